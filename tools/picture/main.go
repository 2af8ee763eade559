// Command picture runs a program on a terminal of its own and draws what is to be seen there as an SVG: real text, in
// colours, without scripts and fonts of others. What it draws is a real run's screen at the moment at which it shows
// what it is asked for.
//
// Usage: picture [-out FILE] [-when PATTERN] [-within DURATION] PROGRAM [ARG]...
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"regexp"
	"time"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "picture:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("picture", flag.ContinueOnError)
	out := flags.String("out", "picture.svg", "`file` to write")
	when := flags.String("when", ".", "`pattern` (Go's, matched over all lines) that the screen is to show")
	within := flags.Duration("within", 3*time.Minute, "give up after this `time`")
	title := flags.String("title", "", "what the picture shows, in `words`")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return fmt.Errorf("no program is named")
	}
	moment, err := regexp.Compile("(?s)" + *when)
	if err != nil {
		return fmt.Errorf("-when: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, *within)
	defer cancel()
	seen, err := look(ctx, moment, flags.Args())
	if err != nil {
		return err
	}
	return write(*out, draw(seen, *title))
}

// look runs the program until its screen shows the moment, and then asks it to leave.
func look(ctx context.Context, moment *regexp.Regexp, program []string) (screen, error) {
	t, err := start(ctx, size{80, 24}, size{80, 24}, program)
	if err != nil {
		return nil, err
	}
	seen, err := t.await(ctx, func(s screen) bool { return moment.MatchString(s.String()) })
	if err != nil {
		_ = t.kill()
		return nil, fmt.Errorf("wait for %q: %w; the last that was seen:\n%s", moment, err, seen)
	}
	t.leave()
	if err := t.wait(ctx); err != nil {
		return nil, fmt.Errorf("the program, asked to leave: %w", err)
	}
	return seen, nil
}

// write writes beside the name first, so that a picture is whole or not there.
func write(name, svg string) error {
	if err := os.WriteFile(name+".part", []byte(svg), 0o644); err != nil {
		return fmt.Errorf("write picture: %w", err)
	}
	return os.Rename(name+".part", name)
}
