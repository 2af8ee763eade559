package main

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"mooring/cmd/internal/rigtest"
	"mooring/internal/sim"
	"mooring/internal/store/mototest"
)

type runner struct{ *testing.M }

func (r runner) Run() int {
	code := rigtest.Main(r.M)
	if err := mototest.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return code
}

func TestMain(m *testing.M) {
	testscript.Main(runner{m}, map[string]func(){"mooring": func() {
		askForPolicies(os.Getenv(guardVariable), os.Args[1:])
		os.Exit(run(context.Background(), os.Args[1:], machine{
			out: os.Stdout, err: os.Stderr, env: os.LookupEnv, environ: os.Environ, dial: worldDialer(os.Getenv("WORLD_DNS")),
		}))
	}})
}

// TestScripts plays the stories of testdata/script, each in a world of its own. Beside testscript's commands there are
//
//	name ADDR...        the addresses behind $NAME
//	fault KIND          how every server misbehaves about $NAME; none ends it
//	targets ADDR...     fails unless these are registered, and no others
//	stranger ADDR       registers a target by another hand
//	refuse ADDR         the group does not take it
//	deny ACTION...      AWS denies these, and nothing else
//	group KEY=VALUE     type=instance, ipv6=true, gone=true
//	put KEY FILE        puts an object into the bucket
//	host NAME ADDR...   the addresses of any name in the world's zones
//	alias NAME NAME     makes a name an alias of another
//	nameless NAME       the name does not exist any more
//	await ADDR...       waits until these are registered, and no others; the group must never be empty meanwhile
//	looks N NAME        waits until the name was looked up in N more looks
//	putv3 FILE          puts the state of the function of 2020 there
//	enforce             AWS judges every call from now on, by the policies that are made for each command line
//	serve ADDR NAME     the load balancer's one fixed address, where a server answers who asks for NAME; its port is $FRONT_PORT
//	writes N            fails unless so many calls have changed something since the last time
//	front KEY=VALUE     adds load balancers before and behind the group, and changes them; see frontCommands
//
// Scripts about shift have moto's Route 53, load balancers and alarms, and further commands, see [besideMoto].
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			w := rigtest.NewInProcess(t, sim.DNSConfig{Seed: 1})
			params := testscript.Params{
				Files: []string{file},
				Setup: func(e *testscript.Env) error { return setup(e, w) },
				Cmds:  commands(w, policyServer(t, w)),
			}
			if strings.HasPrefix(filepath.Base(file), "shift") {
				besideMoto(t, w, &params)
			}
			testscript.Run(t, params)
		})
	}
}

func setup(e *testscript.Env, w *rigtest.World) error {
	e.Vars = append(e.Vars, w.AWSEnvironment()...)
	e.Vars = append(e.Vars, "NAME="+rigtest.Name, "ARN="+rigtest.ARN, "BUCKET="+rigtest.Bucket,
		"MOORING_RESOLVER="+w.DNS.Resolver().String(), "WORLD_DNS="+worldMap(w.DNS),
		"GORACE=atexit_sleep_ms=0") // else every command sleeps for a second under the race detector
	return nil
}

// worldMap lists where the world's servers really listen, for another process.
func worldMap(d *sim.DNS) string {
	var list []string
	for _, server := range append(slices.Concat(d.Servers(rigtest.Zone), d.Servers(rigtest.Databases)), d.Resolver()) {
		for _, network := range []string{"udp", "tcp"} {
			if conn, err := d.Dial(context.Background(), network, server.String()); err == nil {
				list = append(list, network+"/"+server.String()+"="+conn.RemoteAddr().String())
				_ = conn.Close()
			}
		}
	}
	return strings.Join(list, ",")
}

// worldDialer connects to where worldMap says.
func worldDialer(list string) func(context.Context, string, string) (net.Conn, error) {
	places := map[string]string{}
	for entry := range strings.SplitSeq(list, ",") {
		from, to, _ := strings.Cut(entry, "=")
		places[from] = to
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		place, ok := places[network+"/"+addr]
		if !ok {
			return nil, fmt.Errorf("no server at %s/%s", network, addr)
		}
		return new(net.Dialer).DialContext(ctx, network, place)
	}
}

func parse(ts *testscript.TestScript, words []string) (out []netip.Addr) {
	for _, word := range words {
		a, err := netip.ParseAddr(word)
		ts.Check(err)
		out = append(out, a)
	}
	return out
}

func commands(w *rigtest.World, guardURL string) map[string]func(*testscript.TestScript, bool, []string) {
	writes := 0
	out := map[string]func(*testscript.TestScript, bool, []string){
		"name": func(ts *testscript.TestScript, _ bool, args []string) { w.DNS.Set(rigtest.Name, parse(ts, args)...) },
		"fault": func(_ *testscript.TestScript, _ bool, args []string) {
			fault := sim.DNSFault(args[0])
			if fault == "none" {
				fault = sim.DNSNone
			}
			w.DNS.Fault(rigtest.Name, fault)
			w.DNS.FaultResolver(rigtest.Name, fault)
		},
		"targets": func(ts *testscript.TestScript, _ bool, args []string) {
			if got := w.Registered(); !slices.Equal(got, parse(ts, args)) {
				ts.Fatalf("registered: %s", rigtest.Strings(got))
			}
		},
		"stranger": func(ts *testscript.TestScript, _ bool, args []string) {
			ts.Check(w.Group.Register(w.Now(), []sim.TargetDescription{{Addr: parse(ts, args)[0], Port: rigtest.Port}}))
		},
		"refuse": func(ts *testscript.TestScript, _ bool, args []string) {
			bad := parse(ts, args)[0]
			w.Group.Adjust(func(g *sim.TargetGroup) { g.Refuse = map[netip.Addr]string{bad: "reserved"} })
		},
		"deny": func(_ *testscript.TestScript, _ bool, args []string) {
			w.AWS.Heal()
			for _, action := range args {
				w.AWS.Inject(sim.AWSFault{Action: action, Denied: true})
			}
		},
		"group": func(ts *testscript.TestScript, _ bool, args []string) { setGroup(ts, w, args[0]) },
		"put": func(ts *testscript.TestScript, _ bool, args []string) {
			w.S3.Put(rigtest.Bucket, args[0], []byte(ts.ReadFile(args[1])))
		},
		"host":     func(ts *testscript.TestScript, _ bool, args []string) { w.DNS.Set(args[0], parse(ts, args[1:])...) },
		"alias":    func(_ *testscript.TestScript, _ bool, args []string) { w.DNS.Alias(args[0], args[1:]...) },
		"nameless": func(_ *testscript.TestScript, _ bool, args []string) { w.DNS.Remove(args[0]) },
		"await":    func(ts *testscript.TestScript, _ bool, args []string) { await(ts, w, parse(ts, args)) },
		"enforce":  func(ts *testscript.TestScript, _ bool, _ []string) { ts.Setenv(guardVariable, guardURL) },
		"looks":    func(ts *testscript.TestScript, _ bool, args []string) { awaitLooks(ts, w, args[0], args[1]) },
		"putv3": func(ts *testscript.TestScript, _ bool, args []string) {
			key := "Tracked IP list for " + rigtest.Name + " - " + strings.ReplaceAll(rigtest.ARN, "/", "-")
			w.S3.Put(rigtest.Bucket, key, []byte(ts.ReadFile(args[0])))
		},
		"serve": func(ts *testscript.TestScript, _ bool, args []string) { serveFront(ts, w, args[0], args[1]) },
		"writes": func(ts *testscript.TestScript, _ bool, args []string) {
			n := 0
			for _, c := range w.AWS.Calls() {
				if c.Writes() {
					n++
				}
			}
			if got := fmt.Sprint(n - writes); got != args[0] {
				ts.Fatalf("%s calls changed something", got)
			}
			writes = n
		},
	}
	maps.Copy(out, frontCommands(w))
	return out
}

// serveFront adds a load balancer with one fixed address, on a free port of this machine.
func serveFront(ts *testscript.TestScript, w *rigtest.World, addr, name string) {
	l, err := net.Listen("tcp", net.JoinHostPort(addr, "0"))
	ts.Check(err)
	server := &http.Server{ReadHeaderTimeout: patience, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if host, _, _ := strings.Cut(r.Host, ":"); host != name {
			w.WriteHeader(http.StatusNotFound)
		}
	})}
	go func() { _ = server.Serve(l) }()
	ts.Defer(func() { _ = server.Close() })
	at := netip.MustParseAddrPort(l.Addr().String())
	lb, network := w.Front()
	w.AWS.Adjust(func() {
		nlb := &lb.LoadBalancers[1]
		nlb.Zones = nlb.Zones[:1]
		nlb.Addresses = map[string][]sim.Address{nlb.Zones[0]: {{IP: at.Addr()}}}
		lb.Listeners[1].Port = at.Port()
		network.SecurityGroups[1].Ingress[0].From, network.SecurityGroups[1].Ingress[0].To = at.Port(), at.Port() // in from the clients
	})
	ts.Setenv("FRONT_PORT", strconv.Itoa(int(at.Port())))
}

func setGroup(ts *testscript.TestScript, w *rigtest.World, setting string) {
	switch setting {
	case "type=instance":
		w.Group.Adjust(func(g *sim.TargetGroup) { g.Type = "instance" })
	case "ipv6=true":
		w.Group.Adjust(func(g *sim.TargetGroup) {
			g.IPv6 = true
			g.Subnets = append(g.Subnets, sim.Subnet{ID: "subnet-6", Prefix: netip.MustParsePrefix("fd00:1::/64"), Zone: "eu-west-1a"})
		})
		w.AWS.Adjust(func() { w.AWS.EC2 = &sim.EC2{Subnets: map[string][]sim.Subnet{w.Group.VPC: w.Group.Subnets}} })
	case "gone=true":
		w.AWS.Inject(sim.AWSFault{
			When:   func(c sim.AWSCall) bool { return c.Service == "elb" },
			Status: http.StatusBadRequest, Code: "TargetGroupNotFound", Message: "One or more target groups not found",
		})
	default:
		ts.Fatalf("unknown setting %s", setting)
	}
}

// patience is how long a script waits for a program that runs beside it. Nothing takes so long that goes well.
const patience = 2 * time.Minute

// await looks at the group after each call that may have changed it.
func await(ts *testscript.TestScript, w *rigtest.World, want []netip.Addr) {
	called := make(chan struct{}, 1)
	w.AWS.Inject(sim.AWSFault{After: func(sim.AWSCall) {
		select {
		case called <- struct{}{}:
		default:
		}
	}})
	defer w.AWS.Heal()
	began := time.Now()
	late := time.NewTimer(patience)
	defer late.Stop()
	filled := len(w.Registered()) > 0
	for {
		got := w.Registered()
		if filled && len(got) == 0 {
			ts.Fatalf("the group is empty")
		}
		if slices.Equal(got, want) {
			ts.Logf("after %s", time.Since(began).Round(time.Millisecond))
			return
		}
		filled = filled || len(got) > 0
		select {
		case <-called:
		case <-late.C:
			ts.Fatalf("registered after %s: %s", patience, rigtest.Strings(got))
		}
	}
}

// awaitLooks waits for questions about a name.
func awaitLooks(ts *testscript.TestScript, w *rigtest.World, count, name string) {
	more, err := strconv.Atoi(count)
	ts.Check(err)
	const perLook = 2 // questions about a name whose answers are whole
	before := w.DNS.Asked(name)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	late := time.NewTimer(patience)
	defer late.Stop()
	for w.DNS.Asked(name) < before+more*perLook {
		select {
		case <-tick.C:
		case <-late.C:
			ts.Fatalf("%s was asked for %d times", name, w.DNS.Asked(name)-before)
		}
	}
}
