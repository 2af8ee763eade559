package config

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"mooring"
)

// A value is what a setting takes: how it is read, and how the schema of a file describes it.
type value struct {
	set    func(*Config, string) error
	schema map[string]any
	plain  bool // a file may also hold it as a number, without quotes
}

// text is read by set; the schema tells its form, where it has one.
func text(set func(*Config, string) error, form ...string) value {
	schema := map[string]any{"type": "string", "minLength": 1}
	for _, f := range form {
		schema["pattern"] = f
	}
	return value{set: set, schema: schema}
}

// plainToo lets a file hold digits as a number too.
func (v value) plainToo(least, most int64) value {
	v.plain = true
	v.schema = either(v.schema, map[string]any{"type": "integer", "minimum": least, "maximum": most})
	return v
}

func either(schemas ...map[string]any) map[string]any { return map[string]any{"anyOf": schemas} }

// line is any text on one line.
func line(at func(*Config) *string) value {
	return text(func(c *Config, v string) error { return setText(at(c), v) })
}

// words is one of a few words.
func words[T ~string](at func(*Config) *T, allowed ...T) value {
	var names []string
	for _, a := range allowed {
		names = append(names, string(a))
	}
	set := func(c *Config, v string) error {
		if !slices.Contains(allowed, T(v)) {
			return errors.New("want " + strings.Join(names, ", "))
		}
		*at(c) = T(v)
		return nil
	}
	return value{set: set, schema: map[string]any{"enum": names}}
}

func answers() value {
	v := words(func(c *Config) *mooring.Answers { return &c.Policy.Answers }, mooring.AnswersSampled, mooring.AnswersWhole)
	one := v.set
	v.set = func(c *Config, v string) error {
		if err := one(c, v); err != nil {
			return err
		}
		if c.Policy.Answers == mooring.AnswersWhole {
			c.Policy = mooring.WholePolicy()
		}
		return nil
	}
	return v
}

func whole(set func(*Config, string) error, least, most int) value {
	plain := map[string]any{"type": "integer", "minimum": least, "maximum": most}
	return value{set: set, plain: true, schema: either(plain, map[string]any{"type": "string", "pattern": "^[0-9]+$"})}
}

// count is a whole number from 1 on.
func count(at func(*Config) *int, most int) value {
	return whole(func(c *Config, v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > most {
			return fmt.Errorf("want a whole number from 1 to %d", most)
		}
		*at(c) = n
		return nil
	}, 1, most)
}

func number(set func(*Config, string) error, least, most float64) value {
	plain := map[string]any{"type": "number", "minimum": least, "maximum": most}
	return value{set: set, plain: true, schema: either(plain, map[string]any{"type": "string", "pattern": "^[0-9.]+([eE][+-]?[0-9]+)?$"})}
}

func share(at func(*Config) *float64) value {
	set := func(c *Config, v string) error {
		f, err := parseShare(v)
		if err != nil {
			return err
		}
		*at(c) = f
		return nil
	}
	plain := map[string]any{"type": "number", "exclusiveMinimum": 0, "maximum": 1}
	return value{set: set, plain: true, schema: either(plain, map[string]any{"type": "string", "pattern": "^[0-9.]+%?$"})}
}

func duration(at func(*Config) *time.Duration, least, most time.Duration, example string) value {
	set := func(c *Config, v string) error {
		d, err := time.ParseDuration(v)
		if err != nil || d < least || d > most {
			return fmt.Errorf("want a duration from %s to %s, such as %s", short(least), short(most), example)
		}
		*at(c) = d
		return nil
	}
	return value{set: set, schema: map[string]any{"type": "string", "pattern": `^(0|([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+)$`}}
}

// short writes a duration in one unit, as help does: 30m, not 30m0s, and 6000s, not 1h40m.
func short(d time.Duration) string {
	switch {
	case d >= time.Hour && d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d >= time.Minute && d < time.Hour && d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	default:
		return fmt.Sprintf("%ds", d/time.Second)
	}
}

func setPort(c *Config, v string) error {
	n, err := strconv.ParseUint(v, 10, 16)
	if err != nil || n == 0 {
		return errors.New("want a port from 1 to 65535")
	}
	c.Binding.Port = uint16(n)
	return nil
}

func setMissProbability(c *Config, v string) error {
	f, err := strconv.ParseFloat(v, 64)
	if err != nil || !(f >= 1e-300 && f <= 0.1) {
		return errors.New("want a probability from 1e-300 to 0.1, such as 1e-11")
	}
	c.Policy.MissProbability = f
	return nil
}

func parseShare(v string) (float64, error) {
	number, percent := strings.CutSuffix(strings.TrimSpace(v), "%")
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsNaN(f) {
		return 0, errors.New("want a share, such as 34% or 0.34")
	}
	if percent {
		f /= 100
	}
	if !(f > 0 && f <= 1) {
		return 0, errors.New("want a share above 0 and at most 100%, such as 34% or 0.34")
	}
	return f, nil
}

const maxText = 2048

func setText(to *string, v string) error {
	if v == "" || len(v) > maxText || strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return fmt.Errorf("want 1 to %d characters on one line", maxText)
	}
	*to = v
	return nil
}

func splitList(v string) []string {
	var out []string
	for part := range strings.SplitSeq(v, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}
