package rigtest

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"mooring/cmd/internal/rig"
	"mooring/internal/config"
	"mooring/internal/iam"
	"mooring/internal/sim"
)

// Guard lets AWS judge every call by the policies that are made for the bindings of this environment, from now on. The test
// fails if anything is denied. Of an environment that makes no bindings nothing is judged.
func (w *World) Guard(env ...string) *sim.IAM {
	w.t.Helper()
	variables := map[string]string{}
	for _, pair := range env {
		name, value, _ := strings.Cut(pair, "=")
		variables[name] = value
	}
	none := func(string) ([]string, bool) { return nil, false }
	configs, err := config.Load(w.t.Context(), none, func(name string) (string, bool) {
		v, ok := variables[name]
		return v, ok
	}, func(context.Context, string) ([]byte, error) { return nil, errors.New("no files here") })
	if err != nil {
		return nil
	}
	guard := w.Judge()
	if err := Attach(guard, configs, rig.Deployment{LogGroup: "/aws/lambda/mooring"}); err != nil {
		w.t.Fatal(err)
	}
	return guard
}

// Judge lets IAM judge the calls, by the policies that are attached to it. What was denied fails the test at its end.
func (w *World) Judge() *sim.IAM {
	if w.AWS.IAM != nil {
		return w.AWS.IAM
	}
	guard := &sim.IAM{}
	w.AWS.Adjust(func() { w.AWS.IAM = guard })
	w.t.Cleanup(func() {
		for _, x := range guard.Denied() {
			w.t.Errorf("denied to %q: %s on %s", x.Identity, x.Action, x.Resource)
		}
	})
	return guard
}

// Attach gives everybody the policies that are made for these bindings.
func Attach(guard *sim.IAM, configs []config.Config, d rig.Deployment) error {
	all, err := rig.NeedsOf(configs, d)
	if err != nil {
		return err
	}
	for _, who := range all {
		text, err := json.Marshal(iam.New(who.Needs...))
		if err != nil {
			return err
		}
		if err := guard.Attach(who.RoleARN, string(text)); err != nil {
			return err
		}
	}
	return nil
}
