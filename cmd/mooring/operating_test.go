package main

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"mooring"
)

// alarmColumns are the columns of the table of alarms in docs/operating.md: the file with the alarms, and what finds
// their names there.
var alarmColumns = []struct {
	file  string
	names *regexp.Regexp
}{
	{"deploy/cloudformation/mooring.yaml", regexp.MustCompile(`(?m)^  (\w+):\n    Type: AWS::CloudWatch::Alarm$`)},
	{"deploy/terraform/alarms.tf", regexp.MustCompile(`alarm_name += "\$\{local\.name\}-([a-z-]+?)(?:-\$.*)?"`)},
	{"deploy/prometheus/alerts.yaml", regexp.MustCompile(`(?m)^ *- alert: (\w+)$`)},
}

func TestOperatingTellsOfEveryAlarm(t *testing.T) {
	page := documents(t)["docs/operating.md"]
	_, table, ok := strings.Cut(page, "\n| CloudFormation | Terraform | Prometheus |")
	if !ok {
		t.Fatal("no table of the alarms")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	told := make([][]string, len(alarmColumns))
	for line := range strings.Lines(table) {
		for i, cell := range strings.Split(strings.TrimPrefix(line, "|"), "|") {
			if i < len(told) {
				for _, m := range regexp.MustCompile("`([A-Za-z-]+)`").FindAllStringSubmatch(cell, -1) {
					told[i] = append(told[i], m[1])
				}
			}
		}
	}
	for i, column := range alarmColumns {
		text, err := os.ReadFile(filepath.Join(repository, filepath.FromSlash(column.file)))
		if err != nil {
			t.Error(err)
			continue
		}
		var there []string
		for _, m := range column.names.FindAllStringSubmatch(string(text), -1) {
			there = append(there, m[1])
		}
		slices.Sort(there)
		slices.Sort(told[i])
		if got := slices.Compact(told[i]); !slices.Equal(got, slices.Compact(there)) {
			t.Errorf("operating.md tells of %q, %s has %q", got, column.file, there)
		}
	}
}

func TestTheQueriesOfOperatingAskForFieldsOfTheReport(t *testing.T) {
	fields := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[mooring.Report]()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		fields[name] = f.Type
	}
	page := documents(t)["docs/operating.md"]
	asked := regexp.MustCompile(`report\.([a-z_]+)|"([a-z_]+)":`).FindAllStringSubmatch(page, -1)
	if len(asked) < 10 {
		t.Fatalf("%d fields are asked for", len(asked))
	}
	for _, m := range asked {
		if fields[m[1]+m[2]] == nil {
			t.Errorf("a report has no %s", m[1]+m[2])
		}
	}
}
