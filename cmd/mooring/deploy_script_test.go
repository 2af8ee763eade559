package main

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"mooring/cmd/internal/deploytest"
	"mooring/cmd/internal/rigtest"
	"mooring/internal/sim"
	"mooring/internal/store/mototest"
)

// The one story of testdata/script-deploy: from an ALB, an NLB and an empty group to traffic by fixed addresses, and back. The
// world has load balancing, EC2, S3, DNS, metrics and IAM; moto has CloudFormation, Lambda, logs, alarms and Route 53; one
// endpoint has all of it. Beside other scripts' commands there are those of [deploytest.Commands] and [motoFront].
func TestAnALBGetsFixedAddressesAndItsTrafficGoesThereAndBack(t *testing.T) {
	t.Parallel()
	w := rigtest.New(t, "mooring/cmd/mooring-lambda", sim.DNSConfig{Seed: 6})
	moto := mototest.Endpoint(t)
	f, _ := newMotoZone(t, moto, "story.example")
	cmds := commands(w, policyServer(t, w))
	maps.Copy(cmds, f.commands())
	maps.Copy(cmds, deploytest.Commands(t, w, moto))
	to, err := url.Parse(moto)
	if err != nil {
		t.Fatal(err)
	}
	w.AWS.CloudWatch = alarmsBeside{w.AWS.CloudWatch, httputil.NewSingleHostReverseProxy(to)}
	testscript.Run(t, testscript.Params{Dir: "testdata/script-deploy", Cmds: cmds, Setup: func(e *testscript.Env) error {
		e.Vars = append(e.Vars, "ZONE="+f.zone, "DOMAIN="+f.domain)
		return setup(e, w)
	}})
}

// alarmsBeside is a CloudWatch whose alarms are elsewhere than its metrics.
type alarmsBeside struct{ metrics, alarms http.Handler }

func (a alarmsBeside) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if strings.Contains(string(body)+r.URL.Path+r.Header.Get("X-Amz-Target"), "DescribeAlarms") {
		a.alarms.ServeHTTP(w, r)
		return
	}
	a.metrics.ServeHTTP(w, r)
}
