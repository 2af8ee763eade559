package sim

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const maxS3Body = 16 << 20

// ServeHTTP implements [http.Handler].
func (s *S3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	call := S3Call{Method: r.Method, Bucket: bucket, Key: key}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxS3Body)) // before any pause: only then is a client's leaving noticed
	if err != nil {
		s.record(call)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	f := s.fault(r.Method, key)
	if !pause(r, f.Latency) {
		s.record(call)
		return
	}
	if f.LoseReply {
		s.answer(&nowhere{header: http.Header{}}, r, bucket, key)
		s.record(call)
		panic(http.ErrAbortHandler) // closes the connection without a reply
	}
	reply := &awsReply{ResponseWriter: w}
	if f.Error != nil {
		writeS3Error(reply, f.Error)
	} else {
		s.answer(reply, r, bucket, key)
	}
	call.Status = cmp.Or(reply.status, http.StatusOK)
	s.record(call)
}

// pause waits, and tells whether the client waited too.
func pause(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

func (s *S3) answer(w http.ResponseWriter, r *http.Request, bucket, key string) {
	switch {
	case key == "" && r.Method == http.MethodPut:
		s.CreateBucket(bucket)
		w.Header().Set("Location", "/"+bucket)
	case key != "" && r.Method == http.MethodPut:
		s.put(w, r, bucket, key)
	case key != "" && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		s.get(w, r, bucket, key)
	case key != "" && r.Method == http.MethodDelete:
		s.Delete(bucket, key)
		w.WriteHeader(http.StatusNoContent) // also where there was nothing
	default:
		writeS3Error(w, &APIError{
			Status: http.StatusMethodNotAllowed, Code: "MethodNotAllowed",
			Message: "The specified method is not allowed against this resource.",
		})
	}
}

func (s *S3) get(w http.ResponseWriter, r *http.Request, bucket, key string) {
	o, err := s.read(bucket, key)
	if err == noSuchKey && (isSecret(r) || s.Hides != nil && s.Hides(r)) {
		err = hidden(bucket)
	}
	if err != nil {
		writeS3Error(w, err)
		return
	}
	h := w.Header()
	h.Set("ETag", o.ETag)
	h.Set("Last-Modified", o.Modified.UTC().Format(http.TimeFormat)) // whole seconds, as S3 has them
	h.Set("Content-Length", strconv.Itoa(len(o.Body)))
	if o.ContentType != "" {
		h.Set("Content-Type", o.ContentType)
	}
	setSSE(h, o)
	for name, value := range o.Metadata {
		h.Set("X-Amz-Meta-"+name, value)
	}
	if r.Header.Get("X-Amz-Checksum-Mode") == "ENABLED" {
		for name, value := range o.checksums {
			h.Set(name, value)
		}
	}
	if r.Method == http.MethodGet {
		_, _ = w.Write(o.Body) // whoever went away is not told
	}
}

func setSSE(h http.Header, o S3Object) {
	if o.SSE != "" {
		h.Set("X-Amz-Server-Side-Encryption", o.SSE)
	}
	if o.KMSKey != "" {
		h.Set("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", o.KMSKey)
	}
}

func (s *S3) put(w http.ResponseWriter, r *http.Request, bucket, key string) {
	body, trailer, err := s3Body(r)
	if err == nil {
		err = checkCRC(r.Header, trailer, body)
	}
	if err != nil {
		writeS3Error(w, &APIError{Status: http.StatusBadRequest, Code: "BadDigest", Message: err.Error()})
		return
	}
	o := newS3Object(body, s.now())
	o.ContentType = r.Header.Get("Content-Type")
	o.SSE = r.Header.Get("X-Amz-Server-Side-Encryption")
	o.KMSKey = r.Header.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id")
	o.Metadata, o.checksums = map[string]string{}, map[string]string{}
	for name := range r.Header {
		if meta, ok := strings.CutPrefix(name, "X-Amz-Meta-"); ok {
			o.Metadata[strings.ToLower(meta)] = r.Header.Get(name)
		}
	}
	for _, h := range []http.Header{r.Header, trailer} {
		if sum := h.Get(crcHeader); sum != "" {
			o.checksums[crcHeader] = sum
		}
	}
	if err := s.write(bucket, key, o, r.Header); err != nil {
		writeS3Error(w, err)
		return
	}
	w.Header().Set("ETag", o.ETag)
	setSSE(w.Header(), o)
}

// s3Body reads an upload. The SDK may send it in chunks, with a checksum after the last one:
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
func s3Body(r *http.Request) (body []byte, trailer http.Header, err error) {
	if !strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		body, err = io.ReadAll(r.Body)
		return body, nil, err
	}
	if body, trailer, err = decodeChunks(bufio.NewReader(r.Body)); err != nil {
		return nil, nil, err
	}
	if want := r.Header.Get("X-Amz-Decoded-Content-Length"); want != strconv.Itoa(len(body)) {
		return nil, nil, fmt.Errorf("%d bytes after decoding, announced were %q", len(body), want)
	}
	return body, trailer, nil
}

// decodeChunks reads SIZE[;chunk-signature=…]CRLF DATA CRLF, down to a chunk of size 0, and the trailer's lines.
func decodeChunks(in *bufio.Reader) ([]byte, http.Header, error) {
	var body bytes.Buffer
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return nil, nil, fmt.Errorf("read chunk size: %w", err)
		}
		text, _, _ := strings.Cut(strings.TrimSpace(line), ";")
		size, err := strconv.ParseUint(text, 16, 32)
		if err != nil || size > maxS3Body {
			return nil, nil, fmt.Errorf("chunk size %.32q", text)
		}
		if size == 0 {
			trailer, err := readTrailer(in)
			return body.Bytes(), trailer, err
		}
		if _, err := io.CopyN(&body, in, int64(size)); err != nil {
			return nil, nil, fmt.Errorf("read chunk: %w", err)
		}
		if end, err := in.ReadString('\n'); err != nil || strings.TrimSpace(end) != "" {
			return nil, nil, fmt.Errorf("a chunk of %d bytes is longer than that", size)
		}
	}
}

func readTrailer(in *bufio.Reader) (http.Header, error) {
	trailer := http.Header{}
	for {
		line, err := in.ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("read trailer: %w", err)
		}
		name, value, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok {
			return trailer, nil
		}
		trailer.Set(name, strings.TrimSpace(value))
	}
}

const crcHeader = "X-Amz-Checksum-Crc32" // what the SDK computes by default

// checkCRC refuses an upload that is not what its checksum says.
func checkCRC(header, trailer http.Header, body []byte) error {
	sum := base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(body)))
	for _, h := range []http.Header{header, trailer} {
		if given := h.Get(crcHeader); given != "" && given != sum {
			return fmt.Errorf("the CRC32 you specified, %s, did not match the calculated one, %s", given, sum)
		}
	}
	return nil
}

func writeS3Error(w http.ResponseWriter, e *APIError) { awsError(w, "s3", e.Status, e.Code, e.Message) }
