package demo

import "strings"

// A part is one section of the screen, from top to bottom.
type part int

const (
	partTitle part = iota
	partProgress
	partChapter
	partTallies
	partAddresses
	partDecisions
	partFooter
	allParts
)

// shares says who gets the screen's lines, one after another until there are none left: a small screen has the first
// ones only, and 80x24 ends with the line that says so. It depends on the height alone, so that nothing jumps while the
// story goes on.
var shares = []struct {
	part  part
	lines int
}{
	{partTitle, 1},
	{partTallies, 2},
	{partChapter, 1},
	{partProgress, 1},
	{partAddresses, 3}, // a heading, the columns' names, a row
	{partFooter, 1},
	{partDecisions, 2}, // a heading and one of them
	{partAddresses, 3},
	{partDecisions, 1},
	{partChapter, 1},
	{partAddresses, 4},
	{partTallies, 1},
	{partChapter, 1},
	{partDecisions, 2}, // here 24 lines are given away
	{partAddresses, 12},
	{partDecisions, 8},
}

// shareLines gives the lines of a screen of this height to its parts. What does not fit whole is left out; what follows it
// may still fit.
func shareLines(height int) (room [allParts]int, left int) {
	left = height
	for _, s := range shares {
		if s.lines <= left {
			room[s.part] += s.lines
			left -= s.lines
		}
	}
	return room, left
}

// A sheet is a snapshot that is being laid out.
type sheet struct {
	Snapshot
	width int    // between the margins
	leave string // the key that leaves the screen
}

// mostWidth is where lines become too long to be read with ease; a wider terminal stays empty at the right.
const mostWidth = 118

// render lays the demo out for a terminal of this size: exactly height lines, none wider than width, coloured by SGR
// sequences and by nothing else. Nothing that a snapshot holds can change that.
func render(s Snapshot, width, height int, leave string) string {
	if width <= 0 || height <= 0 {
		return ""
	}
	p := sheet{s, min(max(width-2, 0), mostWidth), leave}
	room, left := shareLines(height)
	parts := [allParts]func(lines int) []row{
		partTitle: p.title, partProgress: p.progress, partChapter: p.chapter,
		partTallies: p.tallies, partAddresses: p.addresses, partDecisions: p.decisions, partFooter: p.footer,
	}
	var rows []row
	for i, draw := range parts {
		if part(i) == partFooter {
			rows = append(rows, make([]row, left)...) // the footer is at the bottom
		}
		if room[i] == 0 {
			continue
		}
		drawn := draw(room[i])
		rows = append(rows, drawn[:min(len(drawn), room[i])]...)
		rows = append(rows, make([]row, max(room[i]-len(drawn), 0))...)
	}
	var b strings.Builder
	for i, r := range rows {
		if i > 0 {
			b.WriteByte('\n')
		}
		if line := r.cut(p.width).String(); line != "" {
			b.WriteString(" " + line)
		}
	}
	return b.String()
}
