package sim_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"mooring/internal/sim"
)

// What the world has no part of its own for is somebody else's to answer, and is logged all the same.
func TestOtherServicesAreSomebodyElses(t *testing.T) {
	aws := &sim.AWS{Other: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s", r.Method, r.URL.Path, body)
	})}
	const form = "application/x-www-form-urlencoded; charset=utf-8"
	for _, c := range []struct{ service, method, path, kind, target, body, want, action string }{
		{"route53", "GET", "/2013-04-01/hostedzone/Z1/rrset", "", "", "", "GET /2013-04-01/hostedzone/Z1/rrset ", "GET /2013-04-01/hostedzone/Z1/rrset"},
		{"cloudformation", "POST", "/", form, "", "Action=CreateStack", "POST / Action=CreateStack", "CreateStack"},
		{"logs", "POST", "/", "application/x-amz-json-1.1", "Logs_20140328.DescribeLogGroups", "{}", "POST / {}", "DescribeLogGroups"},
	} {
		r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIA/20261126/eu-west-1/"+c.service+"/aws4_request, SignedHeaders=host, Signature=0")
		r.Header.Set("Content-Type", c.kind)
		r.Header.Set("X-Amz-Target", c.target)
		w := httptest.NewRecorder()
		aws.ServeHTTP(w, r)
		if w.Body.String() != c.want {
			t.Errorf("answered %q, want %q", w.Body, c.want)
		}
		if call := aws.Calls()[0]; call.Service != c.service || call.Action != c.action || call.Status != http.StatusOK {
			t.Errorf("logged %+v, want %s %s", call, c.service, c.action)
		}
		aws.Forget()
	}
}
