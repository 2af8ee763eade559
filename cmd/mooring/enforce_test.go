package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"mooring/cmd/internal/rig"
	"mooring/cmd/internal/rigtest"
	"mooring/internal/config"
	"mooring/internal/iam"
)

// guardVariable names a server that gives whoever runs a command line the policies that are made for it.
const guardVariable = "WORLD_POLICIES"

// A granted policy is somebody's.
type granted struct{ RoleARN, Policy string }

// askForPolicies makes the policies that a command line needs, and has them attached before it runs. What is no command line,
// and what makes no bindings, calls nothing.
func askForPolicies(url string, args []string) {
	if url == "" {
		return
	}
	m := machine{out: io.Discard, err: io.Discard, env: os.LookupEnv}
	cmd, rest, err := newRoot(m).Find(args)
	if err != nil || cmd.ParseFlags(rest) != nil {
		return
	}
	from := given(cmd.Flags())
	configs, err := config.Load(context.Background(), from, m.env, rig.NewReader(from, m.env))
	if err != nil {
		return
	}
	d := rig.Deployment{Daemon: cmd.Name() == "watch"}
	if slices.Contains(iam.Purposes(), cmd.Name()) {
		d.Purpose = cmd.Name()
	}
	all, err := rig.NeedsOf(configs, d)
	if err != nil {
		panic(err)
	}
	var list []granted
	for _, who := range all {
		text, err := json.Marshal(iam.New(who.Needs...))
		if err != nil {
			panic(err)
		}
		list = append(list, granted{who.RoleARN, string(text)})
	}
	body, err := json.Marshal(list)
	if err != nil {
		panic(err)
	}
	reply, err := http.Post(url, "application/json", strings.NewReader(string(body)))
	if err != nil || reply.StatusCode != http.StatusOK {
		panic("the policies were not attached")
	}
	_ = reply.Body.Close()
}

// policyServer attaches what command lines of a script need. Those that run beside each other have one another's permissions.
func policyServer(t *testing.T, w *rigtest.World) string {
	var mu sync.Mutex
	of := map[string][]string{}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		var list []granted
		if err := json.NewDecoder(r.Body).Decode(&list); err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		guard := w.Judge()
		for _, one := range list {
			of[one.RoleARN] = append(of[one.RoleARN], one.Policy)
			if err := guard.Attach(one.RoleARN, of[one.RoleARN]...); err != nil {
				http.Error(rw, err.Error(), http.StatusBadRequest)
			}
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}
