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
	FaultTimeout    Fault = "timeout"
	FaultServfail   Fault = "servfail"
	FaultRefused    Fault = "refused"
	FaultNXDomain   Fault = "nxdomain"
	FaultEmpty      Fault = "empty"
	FaultTruncated  Fault = "truncated"
	FaultTainted    Fault = "tainted"
	FaultCNAMELoop  Fault = "cname-loop"
	FaultFewServers Fault = "too-few-servers"
	FaultPartial    Fault = "partial"

	FaultStaleServer Fault = "stale-server" // one of two servers lags behind
	FaultStale       Fault = "stale"        // all of them do
	FaultShortAll    Fault = "short-all"    // the record all. lacks an address that is live
)

// The faults of the group.
const (
	FaultError    Fault = "error"          // the call fails and changes nothing: throttled, denied, broken
	FaultLost     Fault = "lost-reply"     // the call takes effect and its reply is lost
	FaultOldView  Fault = "stale-describe" // the description is an older one
	FaultNoView   Fault = "empty-describe" // the description is empty
	FaultHalt     Fault = "halt"           // the group must not be written
	FaultConflict Fault = "conflict"       // another run saved first
	FaultDenied   Fault = "denied"         // a permission is missing
	FaultPretend  Fault = "pretended-save" // a store that lies: no real one does, but the checks must notice
)

// FaultsOf returns the faults that a call can meet.
func FaultsOf(c Call) []Fault {
	switch c {
	case CallFind:
		return []Fault{
			FaultTimeout, FaultServfail, FaultRefused, FaultNXDomain, FaultEmpty, FaultTruncated, FaultTainted,
			FaultCNAMELoop, FaultFewServers, FaultPartial, FaultStaleServer, FaultStale, FaultShortAll,
		}
	case CallDescribe:
		return []Fault{FaultError, FaultOldView, FaultNoView}
	case CallInspect:
		return []Fault{FaultHalt}
	case CallRegister, CallDeregister:
		return []Fault{FaultError, FaultLost}
	case CallLoad:
		return []Fault{FaultError, FaultDenied}
	case CallSave:
		return []Fault{FaultError, FaultLost, FaultConflict, FaultDenied}
	default:
		return nil
	}
}

// inconclusive tells whether a fault alone makes a look inconclusive.
func (f Fault) inconclusive() bool {
	switch f {
	case FaultTimeout, FaultServfail, FaultRefused, FaultNXDomain, FaultEmpty, FaultTruncated, FaultTainted,
		FaultCNAMELoop, FaultFewServers, FaultPartial:
		return true
	default:
		return false
	}
}

// silent tells whether nobody answers at all under this fault.
func (f Fault) silent() bool {
	return f == FaultNXDomain || f == FaultEmpty || f == FaultCNAMELoop || f == FaultRefused
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
