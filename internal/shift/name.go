package shift

import (
	"errors"
	"fmt"
	"strings"
)

const (
	maxName  = 255 // https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html
	maxLabel = 63
)

// Canonical returns a name as Route 53 lists it: in lower case, with a dot at its end, and every character but letters,
// digits, hyphens, underscores and dots as a backslash and three octal digits, so that *.example.com is
// \052.example.com. and so is what was given in that form. Names in other scripts must be given in Punycode.
// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html
func Canonical(name string) (string, error) {
	if len(name) > 4*maxName {
		return "", errors.New("the name is too long")
	}
	var out strings.Builder
	label, total := 0, 0
	rest := strings.TrimSuffix(name, ".") + "."
	for rest != "" {
		c, length, err := character(rest)
		if err != nil {
			return "", fmt.Errorf("name %q: %w", name, err)
		}
		if c == '.' && length == 1 {
			if label == 0 {
				return "", fmt.Errorf("name %q: a label is empty", name)
			}
			label = -1
		}
		label, total = label+1, total+1
		if label > maxLabel || total > maxName {
			return "", fmt.Errorf("name %q: a label has at most %d characters, and a name %d", name, maxLabel, maxName)
		}
		write(&out, c, length)
		rest = rest[length:]
	}
	return out.String(), nil
}

// character is the first of a name, and how long it is there.
func character(s string) (c byte, length int, err error) {
	c = s[0]
	switch {
	case c >= 0x80:
		return 0, 0, errors.New("write a name of another script in Punycode (xn--...)")
	case c <= ' ' || c == 0x7f:
		return 0, 0, errors.New("a space or a control character is in it")
	case c != '\\':
		return c, 1, nil
	}
	if len(s) < 4 {
		return 0, 0, errors.New(`want \ and three octal digits, such as \052`)
	}
	var n int
	for _, d := range []byte(s[1:4]) {
		if d < '0' || d > '7' {
			return 0, 0, errors.New(`want \ and three octal digits, such as \052`)
		}
		n = n*8 + int(d-'0')
	}
	if n > 0xff {
		return 0, 0, errors.New(`\377 is the largest escape`)
	}
	return byte(n), 4, nil
}

// write spells a character as Route 53 does. An escaped dot is part of its label, and stays escaped.
func write(out *strings.Builder, c byte, length int) {
	switch {
	case c >= 'A' && c <= 'Z':
		out.WriteByte(c + 'a' - 'A')
	case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_', c == '.' && length == 1:
		out.WriteByte(c)
	default:
		fmt.Fprintf(out, `\%03o`, c)
	}
}

// Shown returns a canonical name as people write it: without the last dot, and with * for a wildcard.
func Shown(name string) string {
	name = strings.TrimSuffix(name, ".")
	if rest, ok := strings.CutPrefix(name, `\052.`); ok {
		return "*." + rest
	}
	return name
}

// Within tells whether a canonical name is in a zone, and whether it is the zone's own.
func Within(name, zone string) (in, apex bool) {
	return name == zone || strings.HasSuffix(name, "."+zone), name == zone
}
