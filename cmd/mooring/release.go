package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"mooring"
)

type releaseCommand struct {
	operator
	why        string
	deregister bool
	yes        bool
	confirm    func(context.Context) error
}

func newRelease(m machine) *cobra.Command {
	c := &releaseCommand{operator: operator{roundCommand: roundCommand{machine: m}}}
	cmd := &cobra.Command{
		Use:   "release",
		Short: "Stop managing a binding for good; its targets stay, unless --deregister",
		Long: `release gives a binding up: nothing in the group is ours any more, and rounds do nothing until mooring resume. The
targets stay registered, for whoever manages them next. What was decided is kept, for mooring explain.

With --deregister what is ours is deregistered too: first the memory is saved in which nothing is ours, so that no
round puts it back, then the targets are deregistered. That may leave the group empty. It asks before, where it
is run by hand; elsewhere it takes --yes. A round that is under way meanwhile may still register what it saw.

Of a configuration with several bindings it wants those that are meant (--binding), or --yes for all of them.

Exit codes: 0 done, 1 error.`,
		Example: `  mooring release --why "the load balancer is a target itself now"
  mooring release --deregister --dry-run
  mooring release --deregister --yes`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c.confirm = func(ctx context.Context) error { return c.ask(ctx, cmd) }
			c.refuse = c.tooMany
			return c.eachEdit(cmd, c.release)
		},
	}
	cmd.Flags().StringVar(&c.why, "why", "", "the reason, which status and every report then show")
	cmd.Flags().BoolVar(&c.deregister, "deregister", false, "deregister what is ours")
	cmd.Flags().BoolVar(&c.yes, "yes", false, "do not ask; release every binding where none is chosen")
	c.bindEdit(cmd)
	return cmd
}

// tooMany refuses to give up a whole file's bindings because none was chosen.
func (c *releaseCommand) tooMany(bindings int, byName bool) error {
	if bindings > 1 && !byName && !c.yes && !c.dryRun {
		return fmt.Errorf("there are %d bindings: choose those that are to be given up with --binding, or say --yes for all", bindings)
	}
	return nil
}

func (c *releaseCommand) release(ctx context.Context, k *mooring.Keeper, r *outcome) error {
	s := k.Status(ctx)
	if s.MemoryErr != nil || c.deregister && s.Err != nil {
		return s.Err
	}
	r.unread(s) // a binding whose group is gone can be given up too
	leave, err := c.plan(ctx, k, r, s)
	if err != nil {
		return err
	}
	if len(leave) > 0 && !c.dryRun {
		if err := c.confirm(ctx); err != nil {
			return err
		}
	}
	var ours []netip.Addr
	var before bool // it had been released, and nothing was ours
	err = c.edit(ctx, k, r, func(m mooring.Memory) (mooring.Memory, error) {
		ours, before = nil, m.Paused.Released && len(m.Addresses) == 0
		for _, e := range m.Addresses {
			ours = append(ours, e.Addr)
		}
		return m.Release(c.who(), c.why, k.Now())
	})
	if err != nil {
		return err
	}
	if before {
		r.say("%s", alreadyReleased(s))
	} else {
		r.say("From now on nothing of it %s ours, and rounds %s nothing until mooring resume.", c.would("is", "would be"), c.would("do", "would do"))
	}
	if c.dryRun {
		c.end(r)
		return nil
	}
	if k.Policy.Adopt != mooring.AdoptAll { // a round may have forgotten somebody since the plan was shown
		leave = slices.DeleteFunc(leave, func(t mooring.Target) bool { return !slices.Contains(ours, t.Addr) })
	}
	return c.letGo(ctx, k, r, leave)
}

// alreadyReleased says what a binding's first release left in the group, and how to go on.
func alreadyReleased(s mooring.Status) string {
	n := 0
	for _, a := range s.Unmanaged {
		if registered(a) {
			n++
		}
	}
	switch n {
	case 0:
		return "It was released already."
	case 1:
		return "It was released already: 1 target on its port is nobody's and stays; mooring adopt makes it ours again (--all: every one), " +
			"and then mooring release --deregister takes it out."
	default:
		return fmt.Sprintf("It was released already: %d targets on its port are nobody's and stay; mooring adopt makes them ours again (--all: every one), "+
			"and then mooring release --deregister takes them out.", n)
	}
}

// plan shows what would be done, and returns who would leave.
func (c *releaseCommand) plan(ctx context.Context, k *mooring.Keeper, r *outcome, s mooring.Status) ([]mooring.Target, error) {
	var targets []mooring.Target
	if s.GroupErr == nil {
		var err error
		if targets, err = k.Group.Targets(ctx); err != nil {
			return nil, fmt.Errorf("list targets of %s: %w", k.Binding.Name, err)
		}
	}
	var leave []mooring.Target
	var stay, healthy int
	for _, t := range targets {
		if !t.Registered() {
			continue
		}
		a, known := find(s, t.Addr)
		ours := known && a.Ours && t.Port == k.Binding.Port
		if ours {
			r.Addrs = append(r.Addrs, t.Addr)
		}
		if ours && c.deregister {
			leave = append(leave, t)
			r.say("- %s  would be deregistered (%s)", t.Addr, t.Health)
			continue
		}
		stay++
		if t.Health == mooring.HealthHealthy {
			healthy++
		}
		if ours {
			r.say("= %s  would stay registered, and not be ours any more (%s)", t.Addr, t.Health)
		}
	}
	switch {
	case len(leave) > 0 && stay == 0:
		r.say("WARNING: the group would be empty. Its load balancer would serve nobody.")
	case len(leave) > 0 && healthy == 0:
		r.say("WARNING: no healthy target would stay in the group: of the %d that stay, none is healthy.", stay)
	}
	return leave, nil
}

// letGo deregisters who was ours. The memory says already that they are not, so what fails must be taken up by hand.
func (c *releaseCommand) letGo(ctx context.Context, k *mooring.Keeper, r *outcome, leave []mooring.Target) error {
	if len(leave) == 0 {
		c.end(r)
		return nil
	}
	gone, err := k.LetGo(ctx, leave)
	var left []string
	for _, t := range leave {
		if slices.ContainsFunc(gone, func(g mooring.Target) bool { return g.Addr == t.Addr }) {
			r.Deregistered = append(r.Deregistered, t.Addr)
			r.say("- %s  deregistered", t.Addr)
		} else {
			left = append(left, t.Addr.String())
		}
	}
	if err != nil {
		return fmt.Errorf("%w\nthe binding is released, and %d of %d targets may still be registered; to try again: mooring adopt %s, then mooring release --deregister",
			err, len(left), len(leave), strings.Join(left, " "))
	}
	c.end(r)
	return nil
}

// ask waits for a person's yes. Where there is no person, only --yes says it.
func (c *releaseCommand) ask(ctx context.Context, cmd *cobra.Command) error {
	if c.yes {
		return nil
	}
	return c.confirmed(ctx, cmd, "release --deregister", "takes targets out of service", "Deregister them?")
}

// confirmed waits for a person's yes to a question. Where there is no person, it says what the command does, and that it
// wants --yes.
func (m machine) confirmed(ctx context.Context, cmd *cobra.Command, command, does, question string) error {
	if file, ok := cmd.InOrStdin().(*os.File); !m.terminal || ok && !term.IsTerminal(int(file.Fd())) {
		return fmt.Errorf("%s %s: where nobody can be asked it wants --yes", command, does)
	}
	fmt.Fprintf(m.err, "%s Only yes does it: ", question)
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
		answer <- strings.TrimSpace(line)
	}()
	select {
	case <-ctx.Done():
		return fmt.Errorf("%s: not done: %w", command, context.Cause(ctx))
	case said := <-answer:
		if said != "yes" {
			return fmt.Errorf("%s: not done: the answer was %q", command, cmp.Or(said, "none"))
		}
		return nil
	}
}
