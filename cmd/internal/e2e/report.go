package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"mooring/cmd/internal/transcript"
)

// table is the report for people.
func table(head transcript.Head, verdicts []verdict) string {
	var b strings.Builder
	count := map[outcome]int{}
	where := "Region " + head.Stack.Region
	if head.Stack.Region == "" {
		where = "name servers only"
	}
	fmt.Fprintf(&b, "What docs/assumptions.md takes for granted, tried on %s (source: %s, %s)\n\n", head.Recorded, head.Source, where)
	for _, v := range verdicts {
		count[v.Outcome]++
		fmt.Fprintf(&b, "%-4s %-10s %s\n%15s %s\n", v.ID, v.Outcome, v.Claim, "", v.Saw)
	}
	fmt.Fprintf(&b, "\n%d hold, %d differ, %d were not tried\n", count[holds], count[differs], count[untried])
	return b.String()
}

// reportOf is the same for programs.
func reportOf(head transcript.Head, verdicts []verdict) []byte {
	out, err := json.MarshalIndent(struct {
		SchemaVersion int                 `json:"schema_version"`
		Source        string              `json:"source"`
		Recorded      string              `json:"recorded"`
		Region        string              `json:"region"`
		Measured      transcript.Measured `json:"measured"`
		Checks        []verdict           `json:"checks"`
	}{1, head.Source, head.Recorded, head.Stack.Region, head.Measured, verdicts}, "", "  ")
	if err != nil {
		return fmt.Appendf(nil, "{\"error\": %q}\n", err)
	}
	return append(out, '\n')
}
