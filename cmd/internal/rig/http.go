package rig

import (
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// wholeReplies lets replies be read to their end. The SDK closes a request's body as soon as there is a reply; in
// smithy-go v1.28.9 the body's WriteTo then returns io.EOF, for which net/http cuts the connection while the reply
// is being read, and the SDK tries again: a conditional write would seem to have lost against itself.
type wholeReplies struct{ next aws.HTTPClient }

// replies is the one client, and so the one pool of connections, for all of a keeper's calls. The configuration has
// one where it names certificates of its own (AWS_CA_BUNDLE).
func replies(configured aws.HTTPClient) aws.HTTPClient {
	if configured == nil {
		configured = awshttp.NewBuildableClient()
	}
	return wholeReplies{configured}
}

func (w wholeReplies) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = struct{ io.ReadCloser }{r.Body} // hides WriteTo
	}
	reply, err := w.next.Do(r)
	if err == nil && reply.Body != nil {
		reply.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(reply.Body, maxReply), reply.Body}
	}
	return reply, err
}

// maxReply cuts off replies that no client needs: the largest are a page of a log and an object of S3. Most rooms have a
// narrower limit.
const maxReply = 32 << 20
