package sim

// A Call is one thing that a process asks of the world, and that may fail.
type Call string

// The calls.
const (
	CallFind       Call = "find"
	CallDescribe   Call = "describe"
	CallInspect    Call = "inspect"
	CallRegister   Call = "register"
	CallDeregister Call = "deregister"
	CallLoad       Call = "load"
	CallSave       Call = "save"
)

// A Fault is one way in which a call goes wrong. The empty fault is none.
type Fault string

// The faults of looking a name up. Those of the first group make a round inconclusive, by the word they are.
const (
	FailTimeout    Fault = "timeout"
	FailServfail   Fault = "servfail"
	FailRefused    Fault = "refused"
	FailNXDomain   Fault = "nxdomain"
	FailEmpty      Fault = "empty"
	FailTruncated  Fault = "truncated"
	FailTainted    Fault = "tainted"
	FailCNAMELoop  Fault = "cname-loop"
	FailFewServers Fault = "too-few-servers"
	FailPartial    Fault = "partial"

	FailStaleServer Fault = "stale-server" // one of two servers lags behind
	FailStale       Fault = "stale"        // all of them do
	FailShortAll    Fault = "short-all"    // the record all. lacks an address that is live
)

// The faults of the group.
const (
	FailError    Fault = "error"            // the call fails and changes nothing: throttled, broken, reset
	FailLost     Fault = "lost-reply"       // the call takes effect and its reply is lost
	FailHang     Fault = "hang"             // no answer comes, and nothing takes effect
	FailLate     Fault = "late"             // no answer comes; the network holds the request, which takes effect a minute later
	FailTwice    Fault = "twice"            // the network delivers it a second time a minute later
	FailOldView  Fault = "stale-describe"   // the description is an older one
	FailNoView   Fault = "empty-describe"   // the description is empty
	FailPartView Fault = "partial-describe" // the description lacks some targets
	FailHalt     Fault = "halt"             // the group must not be written
	FailConflict Fault = "conflict"         // another run saved first
	FailDeleted  Fault = "deleted"          // the object is deleted right before it is written
	FailNotFound Fault = "not-found"        // 404 for an object that is there
	FailDenied   Fault = "denied"           // a permission is missing
	FailPretend  Fault = "pretended-save"   // a store that lies: no real one does, but the checks must notice
)

// FaultsOf returns the faults that a call can meet.
func FaultsOf(c Call) []Fault {
	switch c {
	case CallFind:
		return []Fault{
			FailTimeout, FailServfail, FailRefused, FailNXDomain, FailEmpty, FailTruncated, FailTainted,
			FailCNAMELoop, FailFewServers, FailPartial, FailStaleServer, FailStale, FailShortAll,
		}
	case CallDescribe:
		return []Fault{FailError, FailHang, FailDenied, FailOldView, FailNoView, FailPartView}
	case CallInspect:
		return []Fault{FailHalt}
	case CallRegister, CallDeregister:
		return []Fault{FailError, FailHang, FailDenied, FailLost, FailLate, FailTwice}
	case CallLoad:
		return []Fault{FailError, FailHang, FailDenied, FailNotFound}
	case CallSave:
		return []Fault{FailError, FailHang, FailLost, FailConflict, FailDenied, FailDeleted}
	default:
		return nil
	}
}

// inconclusive tells whether a fault alone makes a look inconclusive.
func (f Fault) inconclusive() bool {
	switch f {
	case FailTimeout, FailServfail, FailRefused, FailNXDomain, FailEmpty, FailTruncated, FailTainted,
		FailCNAMELoop, FailFewServers, FailPartial:
		return true
	default:
		return false
	}
}

// excuses are what a look says of the faults that make it inconclusive.
var excuses = map[Fault]string{
	FailTimeout:    "192.0.2.2:53 did not answer within 1s",
	FailServfail:   "192.0.2.1:53 answered SERVFAIL",
	FailRefused:    "192.0.2.1:53 answered REFUSED",
	FailNXDomain:   "192.0.2.1:53 says that the name does not exist",
	FailEmpty:      "192.0.2.1:53 says that the name has no addresses",
	FailTruncated:  "192.0.2.1:53 gave a truncated answer over TCP",
	FailTainted:    "192.0.2.1:53 showed 10.1.0.9, which is not admitted",
	FailCNAMELoop:  "the name leads back to itself",
	FailFewServers: "1 of 2 servers answered",
	FailPartial:    "one of the hostnames failed",
}

// silent tells whether nobody answers at all under this fault.
func (f Fault) silent() bool {
	return f == FailNXDomain || f == FailEmpty || f == FailCNAMELoop || f == FailRefused
}

// fault draws what goes wrong with a call.
func (w *World) fault(p *Process, c Call) Fault {
	if w.Fault == nil {
		return ""
	}
	f := w.Fault(p, c)
	if f != "" {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.meet(string(c) + " " + string(f))
		w.note("%s: %s meets %s", p.Name, c, f)
	}
	return f
}
