package mooring_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	scenarioRow   = regexp.MustCompile(`(?m)^\| (\d+) \|.*\| ([^|]*) \|$`)
	scenarioStory = regexp.MustCompile("`(\\d\\d-[a-z0-9-]+)`")
	scenarioTest  = regexp.MustCompile("`(Test[A-Z]\\w*)`")
	testFunction  = regexp.MustCompile(`(?m)^func (Test[A-Z]\w*)\(`)
)

func TestTheThirtyScenariosAreShownByWhatExists(t *testing.T) {
	doc, err := os.ReadFile("docs/scenarios.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := scenarioRow.FindAllStringSubmatch(string(doc), -1)
	if len(rows) != 30 {
		t.Errorf("%d rows", len(rows))
	}
	for i, row := range rows {
		if want := strings.TrimSpace(row[1]); want != strconv.Itoa(i+1) {
			t.Errorf("row %d is numbered %s", i+1, want)
		}
		if !scenarioStory.MatchString(row[2]) && !scenarioTest.MatchString(row[2]) {
			t.Errorf("scenario %s is shown by nothing", row[1])
		}
	}
	tests := testsOfTheTree(t)
	for _, m := range scenarioTest.FindAllStringSubmatch(string(doc), -1) {
		if !tests[m[1]] {
			t.Errorf("there is no %s", m[1])
		}
	}
	for _, m := range scenarioStory.FindAllStringSubmatch(string(doc), -1) {
		if _, err := os.Stat(filepath.Join("testdata/scenarios", m[1]+".txt")); err != nil {
			t.Errorf("there is no story %s", m[1])
		}
	}
}

func testsOfTheTree(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range testFunction.FindAllStringSubmatch(string(source), -1) {
			found[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
