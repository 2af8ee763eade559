package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"mooring"
)

type statusCommand struct {
	operator
	watch bool
	every time.Duration
}

func newStatus(m machine) *cobra.Command {
	s := &statusCommand{operator: operator{roundCommand: roundCommand{machine: m}}}
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show our addresses, their health, who is missing, and when they can leave",
		Long: `status reads a binding's memory and its target group, and shows one line an address: = ours, ~ missing from
the name (since when, by what evidence, and when it can leave at the earliest), ! refused by the group and set
aside, . ours and not in the group, ? not ours. Below: how many addresses the name showed over time, the last
decision, and when and by which version the memory was saved.

It never looks at the name, and changes nothing. It works with one of memory and group where the other cannot be
read, says why, and exits with 1.

With --watch it draws anew every 2 s (--every), until Ctrl-C; where the output is no terminal, a block each time,
and with --output json a line each time.

Exit codes: 0 done, 1 error.`,
		Example: `  mooring status --target-group ... --hostname ... --memory s3://my-bucket
  mooring status --watch --every 10s`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return s.run(cmd) },
	}
	cmd.Flags().BoolVar(&s.watch, "watch", false, "draw it again and again, until Ctrl-C")
	cmd.Flags().DurationVar(&s.every, "every", 2*time.Second, "how often --watch draws")
	s.bind(cmd)
	return cmd
}

const (
	leastEvery = 200 * time.Millisecond // AWS allows far fewer calls a second, but a file is no call
	statusTime = 15 * time.Second       // each read of a binding's memory and group takes 5 s at the most, with all retries
)

// statusTimeOf is how long it may take to read so many bindings: AWS's limits allow a few reads a second.
func statusTimeOf(bindings int) time.Duration {
	return statusTime + time.Duration(bindings)*250*time.Millisecond
}

func (s *statusCommand) run(cmd *cobra.Command) error {
	if s.every < leastEvery || s.every > 24*time.Hour {
		return fmt.Errorf("configuration: --every %s: want %s to 24h", s.every, leastEvery)
	}
	bindings, err := s.open(cmd.Context(), cmd)
	if err != nil {
		return err
	}
	if s.watch {
		return s.redraw(cmd.Context(), bindings)
	}
	all := lookAt(cmd.Context(), bindings)
	block, err := s.render(all)
	if err != nil {
		return err
	}
	if _, err := s.out.Write(block); err != nil {
		return fmt.Errorf("write the status: %w", err)
	}
	var faults []error
	for _, one := range all.Bindings {
		faults = append(faults, one.Err)
	}
	return errors.Join(faults...)
}

// lookAt reads all bindings at the same time.
func lookAt(ctx context.Context, bindings []*chosen) mooring.Statuses {
	ctx, cancel := context.WithTimeout(ctx, statusTimeOf(len(bindings)))
	defer cancel()
	all := mooring.Statuses{SchemaVersion: mooring.StatusVersion, OK: true, Bindings: make([]mooring.Status, len(bindings))}
	var reads mooring.Tasks
	for i, c := range bindings {
		reads.Go(func() { all.Bindings[i] = c.status(ctx) })
	}
	reads.Wait()
	for _, one := range all.Bindings {
		all.OK = all.OK && one.Err == nil
	}
	return all
}

func (c *chosen) status(ctx context.Context) mooring.Status {
	if c.err != nil {
		return mooring.StatusUnread(c.config.Binding, c.config.Policy, time.Now(), c.err)
	}
	return c.keeper.Status(ctx)
}

func (s *statusCommand) render(all mooring.Statuses) ([]byte, error) {
	var block bytes.Buffer
	if s.output == "json" {
		out := json.NewEncoder(&block)
		if !s.watch {
			out.SetIndent("", "  ")
		}
		err := out.Encode(all)
		return block.Bytes(), err
	}
	for i, one := range all.Bindings {
		if i > 0 {
			block.WriteByte('\n')
		}
		if err := one.WriteText(&block, s.color()); err != nil {
			return nil, err
		}
	}
	return block.Bytes(), nil
}

// What a terminal is told: to show another screen, to begin anew on it, and to show again what was there before.
const (
	otherScreen = "\x1b[?1049h\x1b[?25l"
	topOfScreen = "\x1b[H\x1b[2J"
	firstScreen = "\x1b[?25h\x1b[?1049l"
)

// redraw draws until the context ends. What cannot be read or made is on the screen, and is tried again the next time.
func (s *statusCommand) redraw(ctx context.Context, bindings []*chosen) (err error) {
	screen := s.terminal && s.output != "json"
	if screen {
		fmt.Fprint(s.out, otherScreen)
		defer fmt.Fprint(s.out, firstScreen)
	}
	turn := time.NewTicker(s.every)
	defer turn.Stop()
	for first := true; ; first = false {
		all := lookAt(ctx, bindings)
		if ctx.Err() != nil {
			return nil
		}
		block, err := s.render(all)
		if err != nil {
			return err
		}
		switch {
		case screen:
			block = append([]byte(topOfScreen), block...)
		case !first && s.output != "json":
			block = append([]byte("\n"), block...)
		}
		if _, err := s.out.Write(block); err != nil {
			return fmt.Errorf("write the status: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-turn.C:
		}
		again(ctx, bindings)
	}
}

// again makes what could not be made before, as long as reading everything may take.
func again(ctx context.Context, bindings []*chosen) {
	ctx, cancel := context.WithTimeout(ctx, statusTimeOf(len(bindings)))
	defer cancel()
	var tries mooring.Tasks
	for _, c := range bindings {
		tries.Go(func() { c.make(ctx) })
	}
	tries.Wait()
}
