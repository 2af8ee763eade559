package doctor

import (
	"os"
	"strings"
	"testing"
)

func TestEveryCheckAndEveryPermissionIsInTheDocument(t *testing.T) {
	body, err := os.ReadFile("../../docs/doctor.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(body)
	for _, c := range Checks() {
		if strings.Count(text, "\n| `"+c.ID+"` | ") != 1 {
			t.Errorf("docs/doctor.md has no row for %s", c.ID)
		}
	}
	for _, a := range Actions() {
		if strings.Count(text, "\n| `"+a.Name+"` | ") != 1 {
			t.Errorf("docs/doctor.md has no row for %s", a.Name)
		}
	}
	if rows, want := strings.Count(text, "\n| `"), len(checks)+len(actions); rows != want {
		t.Errorf("docs/doctor.md has %d rows, want %d", rows, want)
	}
}
