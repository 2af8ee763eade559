# mooring as an image: one static binary, the CA certificates, and a user that is nobody. For one machine:
#   docker build --build-arg VERSION=$(git describe --tags --always) -t mooring .
# and for both kinds that it is made for:
#   docker buildx build --platform linux/amd64,linux/arm64 --build-arg VERSION=... -t registry.example.com/mooring --push .
# The compiler runs on the builder's own kind of machine and compiles for the other, so nothing is emulated.
ARG GO_VERSION=1.26

FROM --platform=$BUILDPLATFORM golang:${GO_VERSION} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS
ARG TARGETARCH
ARG VERSION=unknown
# As `make build` does: equal sources make equal binaries.
RUN CGO_ENABLED=0 GOOS=${TARGETOS} GOARCH=${TARGETARCH} go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=${VERSION}" -o /out/mooring ./cmd/mooring

FROM scratch
ARG VERSION=unknown
LABEL org.opencontainers.image.title="mooring" \
      org.opencontainers.image.description="Keeps the IP targets of an AWS Network Load Balancer equal to the addresses behind a name" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/mooring /usr/local/bin/mooring
ENV PATH=/usr/local/bin
# By number, so that Kubernetes can see that it is not root.
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/mooring"]
CMD ["help"]
