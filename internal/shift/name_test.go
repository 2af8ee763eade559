package shift_test

import (
	"strings"
	"testing"

	"mooring/internal/shift"
)

func TestNamesAreAsRoute53ListsThem(t *testing.T) {
	for given, want := range map[string]string{
		"app.Example.com":    "app.example.com.",
		"app.example.com.":   "app.example.com.",
		"*.example.com":      `\052.example.com.`,
		`\052.example.com.`:  `\052.example.com.`,
		`a\056b.example.com`: `a\056b.example.com.`,
		`\101.example.com`:   "a.example.com.",
		"_dmarc.example.com": "_dmarc.example.com.",
		"a!b.example.com":    `a\041b.example.com.`,
	} {
		if got, err := shift.Canonical(given); got != want || err != nil {
			t.Errorf("%s: %s, %v", given, got, err)
		}
	}
	for _, bad := range []string{
		"", ".", "a..b", ".a", "bücher.example", "a b.example", "a\n.example", `a\9.example`, `a\400.example`, `a\`, `a\05`,
		strings.Repeat("a", 64) + ".example", strings.Repeat("a.", 140) + "example", strings.Repeat("a", 5000),
	} {
		if got, err := shift.Canonical(bad); err == nil {
			t.Errorf("%.20q was taken as %q", bad, got)
		}
	}
	if got := shift.Shown(`\052.example.com.`); got != "*.example.com" {
		t.Error(got)
	}
	if in, apex := shift.Within("badexample.com.", "example.com."); in || apex {
		t.Error("a name that only ends like the zone is in it")
	}
}

// Whatever is taken is canonical already.
func FuzzCanonical(f *testing.F) {
	for _, s := range []string{"app.example.com", `\052.example.com`, "a..b", `\`, "*"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once, err := shift.Canonical(s)
		if err != nil {
			return
		}
		if twice, err := shift.Canonical(once); err != nil || twice != once {
			t.Errorf("%q: %q, and then %q, %v", s, once, twice, err)
		}
	})
}
