package config

import (
	"errors"
	"net"
	"slices"
	"strconv"
)

// A Process is what is set once for the whole program.
type Process struct {
	Bindings []string // --binding: only these
	Share    float64  // --api-share, above 0 and at most 1
	Listen   string   // --listen: ADDR:PORT, or :PORT for every address; "": nothing listens
}

const defaultShare = 0.5

var configSetting = Setting{
	Name: "config", Value: "FILE|s3://BUCKET/KEY",
	Usage: "YAML file with many bindings; the variable may also hold the YAML itself",
}

var processSettings = []Setting{
	configSetting,
	{
		Name: "binding", Value: "NAME", Repeatable: true,
		Usage: "only the binding of this name (default all)",
	},
	{
		Name: "api-share", Value: "SHARE", Default: "50%",
		Usage: "most of each of AWS's limits on calls, in an account and region, that this process takes (default 50%)",
	},
	{
		Name: "listen", Value: "ADDR:PORT",
		Usage: "where to serve health and metrics (default nowhere)",
	},
}

// ProcessSettings returns the settings of the whole program, which a file does not have: config, binding, api-share
// and listen.
func ProcessSettings() []Setting { return slices.Clone(processSettings) }

// LoadProcess reads what is set once for the whole program. A flag goes before its variable.
func LoadProcess(flags Flags, env Environment) (Process, error) {
	p := Process{Share: defaultShare}
	set := map[string]func(string) error{
		"config":  func(string) error { return nil }, // which Load reads
		"binding": p.addBinding,
		"api-share": func(v string) (err error) {
			p.Share, err = parseShare(v)
			return err
		},
		"listen": p.setListen,
	}
	var wrong faults
	for _, s := range processSettings {
		for _, g := range lookup(s, flags, env) {
			if err := set[s.Name](g.value); err != nil {
				wrong.add(g.at, g.value, err)
			}
		}
	}
	return p, wrong.err()
}

func (p *Process) addBinding(v string) error {
	if err := checkName(v); err != nil {
		return err
	}
	if !slices.Contains(p.Bindings, v) {
		p.Bindings = append(p.Bindings, v)
	}
	return nil
}

func (p *Process) setListen(v string) error {
	_, port, err := net.SplitHostPort(v)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16) // 0: any that is free
	}
	if err != nil {
		return errors.New("want ADDR:PORT, such as 127.0.0.1:9090, or :9090")
	}
	p.Listen = v
	return nil
}

// LoadAWS reads as whom, and where, AWS is called for what belongs to no binding, such as the configuration itself.
func LoadAWS(flags Flags, env Environment) (AWS, error) {
	c := fresh()
	var wrong faults
	for _, name := range []string{"region", "profile", "role-arn", "external-id"} {
		for _, g := range lookup(setting(name), flags, env) {
			if err := setting(name).value.set(&c, g.value); err != nil {
				wrong.add(g.at, g.value, err)
			}
		}
	}
	return c.AWS, wrong.err()
}
