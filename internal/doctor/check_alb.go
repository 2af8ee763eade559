package doctor

import (
	"errors"
	"fmt"
	"time"
)

var errNotRead = errors.New("not read")

// checkALB says whether the name is of a load balancer that can be looked at. Of other names the checks that follow say
// nothing.
func checkALB(f *Facts) []Finding {
	if !f.ALB.Looked {
		return nil
	}
	if f.ALB.Err != nil {
		return unknown("load balancers could not be listed", f.ALB.Err)
	}
	alb, ok := f.alb()
	if !ok {
		for _, host := range f.Binding.Hostnames {
			region, elb := isELB(host)
			switch {
			case elb && region == f.Binding.GroupRegion:
				return finding(Unknown, host+" is of a load balancer that this account does not have: another account's, a classic one, or one that was deleted",
					"see there that it is internal, active, listens on the port, admits this network, and that the network leads there")
			case elb:
				return finding(Unknown, host+" is in "+region, "see there that it is internal, active and listens on the port; the network must lead there, and client addresses cannot be kept")
			}
		}
		return pass("%s: no application load balancer of this account and region, so the checks of one are left out", list(f.Binding.Hostnames))
	}
	out := stateOf(alb)
	if n := len(f.Binding.Hostnames); n > 1 {
		out = append(out, finding(Unknown, fmt.Sprintf("of %d names only the first that is a load balancer's is looked at: %s", n, alb.Name), "see the same of the others, each as a binding of its own")...)
	}
	return out
}

func stateOf(alb *Balancer) []Finding {
	switch alb.State {
	case "active":
		return pass("%s, active, in %s", alb.Name, list(zoneNames(alb.Zones)))
	case "active_impaired":
		return finding(Warn, alb.Name+" is active_impaired: it serves, and cannot grow", "free addresses in its subnets: it needs 8 in each")
	default:
		return finding(Fail, alb.Name+" is "+alb.State, "wait until it is active, or see why it is not in the console")
	}
}

func zoneNames(zones []Zone) (out []string) {
	for _, z := range zones {
		out = append(out, z.Name)
	}
	return out
}

func checkALBScheme(f *Facts) []Finding {
	alb, ok := f.alb()
	switch {
	case !ok:
		return nil
	case alb.Scheme == "internal":
		return pass("internal")
	case f.Name.known() && f.Name.Value.Inconclusive == "" && len(f.behind()) > 0 && !f.onlyELB():
		return finding(Warn, alb.Name+" is "+alb.Scheme+", and the name shows private addresses: by records of somebody's own, for its own name shows public ones",
			"see that these records follow its addresses, or make an internal one")
	default:
		return finding(Fail, alb.Name+" is "+alb.Scheme+": its name shows public addresses, which the group does not take",
			"make an internal one: a scheme cannot be changed. Or use a group of type alb, which takes it as it is; see the advice below")
	}
}

func checkALBListener(f *Facts) []Finding {
	alb, ok := f.alb()
	switch {
	case !ok:
		return nil
	case f.ALBListeners.Err != nil:
		return unknown("its listeners could not be read", f.ALBListeners.Err)
	case f.port() == 0:
		return unknown("of which port is not known", firstError(f.Group.Err, errNotRead))
	}
	l, ok := f.albListener(f.port())
	if !ok {
		var ports []string
		for _, l := range f.ALBListeners.Value {
			ports = append(ports, fmt.Sprint(l.Port))
		}
		return finding(Fail, fmt.Sprintf("%s has no listener on %d; it has %s", alb.Name, f.port(), list(ports)), "add one, or moor another port with --port")
	}
	return pass("%s on %d", l.Protocol, l.Port)
}

func checkALBVPC(f *Facts) []Finding {
	alb, ok := f.alb()
	switch {
	case !ok || !f.Group.known():
		return nil
	case alb.VPC == f.Group.Value.VPC:
		return pass("the same VPC, %s", alb.VPC)
	case f.anyHealthy():
		return pass("it is in %s, the group in %s, and targets are healthy", alb.VPC, f.Group.Value.VPC)
	default:
		return finding(Warn, fmt.Sprintf("it is in %s, the group in %s", alb.VPC, f.Group.Value.VPC),
			"peering, a transit gateway or the like must lead from the one to the other and back, both networks' rules must admit it, and addresses must not overlap; targets are registered with zone all (--zone)")
	}
}

// checkIdle wants the load balancer behind to close idle connections before the one in front forgets them in silence.
func checkIdle(f *Facts) []Finding {
	alb, ok := f.alb()
	if !ok {
		return nil
	}
	if alb.AttributesErr != nil {
		return unknown("its attributes could not be read", alb.AttributesErr)
	}
	behind, err := time.ParseDuration(alb.Attributes["idle_timeout.timeout_seconds"] + "s")
	if err != nil {
		return nil
	}
	var front time.Duration
	for _, l := range f.attached() {
		if l.IdleErr != nil {
			return unknown("the listener's idle time-out could not be read", l.IdleErr)
		}
		if l.Idle > 0 && (front == 0 || l.Idle < front) {
			front = l.Idle
		}
	}
	switch {
	case front == 0:
		return nil
	case behind < front:
		return pass("%s, below %s", behind, front)
	default:
		return finding(Warn, fmt.Sprintf("%s, and the network load balancer forgets a flow after %s: who sends on it then is reset", behind, front),
			"set idle_timeout.timeout_seconds of the application load balancer below it, or tcp.idle_timeout.seconds of a TCP listener above it (up to 6000)")
	}
}
