package main

import (
	"strings"
	"testing"
)

func TestEveryMutantOfTheListsFitsTheTree(t *testing.T) {
	all, err := readAll("../..")
	if err != nil {
		t.Fatal(err)
	}
	files, err := mutated("../..", all)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		if n := strings.Count(files[m.edits[0].file], `mutant("`+m.name+`")`); n == 0 {
			t.Errorf("%s is not in %s", m.name, m.edits[0].file)
		}
	}
	t.Logf("%d mutants in %d files", len(all), len(files))
}

func TestAListThatCannotBeReadIsAnError(t *testing.T) {
	for name, text := range map[string]string{
		"no name":         "breaks it\nfile a.go\n- x\n+ MUTANT\n",
		"nothing broken":  "mutant a\nfile a.go\n- x\n+ MUTANT\n",
		"no file":         "mutant a\nbreaks it\n- x\n+ MUTANT\n",
		"no edit":         "mutant a\nbreaks it\n",
		"always switched": "mutant a\nbreaks it\nfile a.go\n- x\n+ y\n",
		"unknown word":    "mutant a\nbreaks it\nfile a.go\n- x\n+ MUTANT\ndance\n",
	} {
		if all, err := parse(text); err == nil {
			t.Errorf("%s: read as %+v", name, all)
		}
	}
}

func TestLinesThatAreNotThereOnceAreAnError(t *testing.T) {
	for name, old := range map[string]string{"nowhere": "no such line\n", "more than once": "}\n"} {
		m := mutant{name: "a", edits: []edit{{file: "plan.go", old: old, new: "MUTANT\n"}}}
		if _, err := mutated("../..", []mutant{m}); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
