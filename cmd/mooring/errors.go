package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"

	"mooring"
	"mooring/cmd/internal/rig"
	"mooring/internal/config"
)

// Errors are printed as lines that begin with "mooring: error:", what to do about them as lines that begin with
// "mooring: hint:", both on standard error, lower case, without a full stop.

// errChanges is no error: it is the exit code that --detailed-exitcode asks for.
var errChanges = errors.New("there are changes")

// An inconclusiveError is a round that could not count against anyone. The report has told why.
type inconclusiveError struct {
	whose string // "", or the binding's name and a colon
	why   string
}

func (e inconclusiveError) Error() string { return e.whose + e.why }

// A usageError is a command line that does not parse.
type usageError struct {
	err     error
	command string
}

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// exitCode prints what went wrong, with hints, and returns the code to exit with.
func exitCode(w io.Writer, err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errChanges):
		return 2
	}
	for _, line := range lines(err) {
		fmt.Fprintf(w, "mooring: error: %s\n", line)
	}
	for _, hint := range hints(err) {
		fmt.Fprintf(w, "mooring: hint: %s\n", hint)
	}
	return 1
}

func lines(err error) []string {
	var out []string
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if line = strings.TrimSpace(mooring.Printable(line)); line != "" {
			out = append(out, line)
		}
	}
	return out
}

// A denied error knows the permission that is missing.
type denied interface{ Statement() string }

// hints says what to do, once for each kind of error: many bindings often fail for the same reason.
func hints(err error) []string {
	var out []string
	said := map[string]bool{}
	_, checked := errors.AsType[checkError](err)
	for _, one := range eachFault(err) {
		hint := hintOf(one, checked)
		kind, _, _ := strings.Cut(hint, `"Resource"`) // the statements for several groups differ from there on
		if hint != "" && !said[kind] {
			said[kind] = true
			out = append(out, hint)
		}
	}
	return out
}

// apart are the errors that were joined. Other errors hold several too, and are one all the same.
func apart(err error) []error {
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) {
		return []error{err}
	}
	var texts []string
	for _, one := range joined.Unwrap() {
		texts = append(texts, one.Error())
	}
	if err.Error() != strings.Join(texts, "\n") {
		return []error{err}
	}
	var out []error
	for _, one := range joined.Unwrap() {
		out = append(out, apart(one)...)
	}
	return out
}

// A checkError is what is wrong with a configuration that was only to be checked.
type checkError struct{ error }

func (e checkError) Unwrap() error { return e.error }

// eachFault are the errors that were joined, and the faults of a configuration each by itself.
func eachFault(err error) (out []error) {
	for _, one := range apart(err) {
		if faults := faultsIn(one); len(faults) > 0 {
			out = append(out, faults...)
			continue
		}
		out = append(out, one)
	}
	return out
}

// faultsIn are a configuration's faults, however they are wrapped and joined.
func faultsIn(err error) (out []error) {
	switch e := err.(type) { //nolint:errorlint // every step of the tree is looked at
	case *config.Fault:
		return []error{e}
	case interface{ Unwrap() error }:
		return faultsIn(e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			out = append(out, faultsIn(one)...)
		}
	}
	return out
}

func hintOf(err error, checked bool) string {
	var noPermission denied
	var usage usageError
	var fault *config.Fault
	var inconclusive inconclusiveError
	var closed notOpened
	switch {
	case errors.As(err, &closed):
		return closed.hint()
	case errors.Is(err, rig.ErrFront):
		return "run mooring watch with it, which stays and serves the flows; of several bindings choose the others with --binding"
	case errors.Is(err, errUnseen):
		return "its reports in the log of mooring watch hold them, and so does /metrics where it has --listen"
	case errors.As(err, &noPermission):
		return "add this statement to the policy of the role: " + noPermission.Statement()
	case errors.As(err, &inconclusive):
		return inconclusiveHint(inconclusive.why)
	case errors.As(err, &usage):
		return fmt.Sprintf("see %s --help", usage.command)
	case errors.As(err, &fault):
		return faultHint(fault, checked)
	case strings.Contains(err.Error(), "get credentials"):
		return "no AWS credentials were found: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run it with a role"
	case strings.Contains(err.Error(), "NoSuchBucket"):
		return "the bucket does not exist: is its name spelt right, or the account or region another? A memory's may have to be created"
	case strings.Contains(err.Error(), "TargetGroupNotFound"):
		return "the target group does not exist: is the ARN of this account and region?"
	case errors.Is(err, syscall.EADDRINUSE):
		return "another process listens there, perhaps another mooring watch: choose another port with --listen"
	case errors.Is(err, fs.ErrPermission):
		return "let the user that runs mooring write the memory's directory, or choose another with --memory file:DIR"
	case errors.Is(err, mooring.ErrMemory):
		return "nobody leaves until the memory can be read; move the object away to begin anew, which removes nobody, or run the version that wrote it"
	}
	return ""
}

// faultHint says where to read what a setting takes.
func faultHint(fault *config.Fault, checked bool) string {
	switch {
	case fault.Where == "--listen" || fault.Where == "MOORING_LISTEN":
		return "see mooring watch --help"
	case checked || fault.InFile():
		return "see mooring config schema, or docs/reference.md for every key"
	default:
		return "the --help of this command has every flag, with its variable"
	}
}

// inconclusiveHint says what to look at, for each class.
func inconclusiveHint(why string) string {
	class, _, _ := strings.Cut(why, ":")
	if hint, ok := inconclusiveHints[class]; ok {
		return hint
	}
	return "nobody leaves in an inconclusive round; what was seen is registered"
}

var inconclusiveHints = map[string]string{
	"timeout":         "the servers did not answer in time: is port 53 (TCP and UDP) open from here? --dns resolver asks only the system's resolver",
	"servfail":        "the servers failed: this passes by itself, or the zone is broken",
	"refused":         "the servers refuse to answer from here: --dns resolver asks the system's resolver instead",
	"nxdomain":        "the name does not exist: is it spelt right, and was the load balancer deleted? Nobody leaves for it",
	"empty":           "the name exists, but has no address of the group's family",
	"truncated":       "the answer was cut short even over TCP",
	"tainted":         "an answer held an address that may not be registered: a public name? --admit says which ranges may be",
	"cname-loop":      "the name's CNAME records lead in a circle, or too far",
	"too-few-servers": "fewer than two of the zone's servers answered",
	"partial":         "one of the hostnames could not be resolved, so nobody leaves; the others' addresses are registered",
}
