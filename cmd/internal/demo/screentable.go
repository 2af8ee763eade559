package demo

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"mooring"
)

// A column of the table of addresses. Those of a low rank are kept where not all of them fit.
type column struct {
	name  string
	rank  int
	width int
	right bool // numbers end at the right
	cell  func(Address) (ink, string)
}

// addresses is the table: a heading, the names of its columns, and a line an address, in two stacks where they are many.
func (p sheet) addresses(lines int) []row {
	most := max(lines-2, 0)
	columns, gap, side := p.sideBySide(most)
	shown := chooseAddresses(p.Addresses, most*side)
	out := []row{heading("addresses", p.counts(len(p.Addresses)-len(shown)), p.width)}
	if len(p.Addresses) == 0 {
		return append(out, nil, row{}.add(faint, "none yet"))
	}
	const between = 2
	width := (p.width - (side-1)*between) / side
	names := columnNames(columns, gap).cut(width)
	if side == 1 {
		return append(append(out, names), stack(shown, columns, gap)...)
	}
	out = append(out, append(names.fill(width+between), names...))
	left := stack(shown[:min(most, len(shown))], columns, gap)
	right := stack(shown[min(most, len(shown)):], columns, gap)
	for i, r := range left {
		if i < len(right) {
			r = append(r.fill(width+between), right[i]...)
		}
		out = append(out, r)
	}
	return out
}

// stack are the lines of some addresses.
func stack(addrs []Address, columns []column, gap int) (out []row) {
	for _, a := range addrs {
		out = append(out, addressRow(a, columns, gap))
	}
	return out
}

// sideBySide chooses the columns, the spaces between them, and whether the addresses stand in two stacks: only if they
// are too many for one, and if what matters most fits into half the width.
func (p sheet) sideBySide(rows int) (columns []column, gap, side int) {
	const between, tight, wide, matter = 2, 1, 2, 4
	if len(p.Addresses) > rows {
		half := fitting(p.columns(), (p.width-between)/2, tight)
		if len(half) >= matter {
			return half, tight, 2
		}
	}
	columns = fitting(p.columns(), p.width, wide)
	return columns, wide, 1
}

// columns are all of them, in their order.
func (p sheet) columns() []column {
	widest := len("address")
	for _, a := range p.Addresses {
		widest = max(widest, len(a.Addr.String()))
	}
	return []column{
		{name: "address", rank: 0, width: widest, cell: addressCell},
		{name: "DNS", rank: 3, width: 3, cell: func(a Address) (ink, string) { return either(a.InDNS, usual, "yes", "-") }},
		{name: "node", rank: 2, width: 4, cell: nodeCell},
		{name: "pin", rank: 4, width: 3, cell: func(a Address) (ink, string) { return either(a.Pinned, fresh, "pin", "") }},
		{name: "front", rank: 1, width: 9, cell: healthCell},
		{name: "open", rank: 5, width: 4, right: true, cell: flowsCell},
		{name: "note", rank: 6, width: 12, cell: func(a Address) (ink, string) { return wary, a.Note }},
	}
}

// fitting leaves out columns of the highest rank until the rest fits. The last one, the note, gets what is left.
func fitting(columns []column, width, gap int) []column {
	for len(columns) > 1 && spread(columns, gap) > width {
		last := slices.MaxFunc(columns, func(a, b column) int { return cmp.Compare(a.rank, b.rank) })
		columns = slices.DeleteFunc(columns, func(c column) bool { return c.rank == last.rank })
	}
	last := &columns[len(columns)-1]
	if last.name == "note" || len(columns) == 1 {
		last.width = max(width-spread(columns[:len(columns)-1], gap)-min(len(columns)-1, 1)*gap, 0)
	}
	return columns
}

// spread is the width of columns with the gaps between them.
func spread(columns []column, gap int) int {
	n := max(len(columns)-1, 0) * gap
	for _, c := range columns {
		n += c.width
	}
	return n
}

func columnNames(columns []column, gap int) (r row) {
	for i, c := range columns {
		if i > 0 {
			r = r.add(usual, times(" ", gap))
		}
		r = append(r, c.lay(faint, c.name)...)
	}
	return r
}

func addressRow(a Address, columns []column, gap int) (r row) {
	for i, c := range columns {
		if i > 0 {
			r = r.add(usual, times(" ", gap))
		}
		color, text := c.cell(a)
		r = append(r, c.lay(color, text)...)
	}
	return r
}

func (c column) lay(color ink, text string) row {
	r := row{}.add(color, text).cut(c.width)
	if c.right {
		return append(row{}.add(usual, times(" ", c.width-r.width())), r...)
	}
	return r.fill(c.width)
}

// chooseAddresses returns at most so many addresses, in their order: first who is in DNS or registered, then who still serves.
func chooseAddresses(all []Address, most int) []Address {
	if len(all) <= most {
		return all
	}
	rank := func(a Address) int {
		switch {
		case a.InDNS || a.Health != "":
			return 0
		case a.Serving:
			return 1
		}
		return 2
	}
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(rank(all[a]), rank(all[b])) })
	order = order[:most]
	slices.Sort(order)
	out := make([]Address, 0, most)
	for _, i := range order {
		out = append(out, all[i])
	}
	return out
}

// counts say how the set stands, and how many of it are not shown.
func (p sheet) counts(hidden int) row {
	var shown, healthy int
	for _, a := range p.Addresses {
		shown += btoi(a.InDNS)
		healthy += btoi(a.Health == mooring.HealthHealthy)
	}
	r := row{}.add(faint, fmt.Sprintf("%d in DNS, %d healthy", shown, healthy))
	if hidden > 0 {
		r = r.add(faint, ", ").add(strong, fmt.Sprintf("+%d more", hidden))
	}
	return r
}

func btoi(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

func either(set bool, color ink, yes, no string) (ink, string) {
	if set {
		return color, yes
	}
	return faint, no
}

// addressCell is faint once nobody shows the address and nothing leads to it.
func addressCell(a Address) (ink, string) {
	return either(a.InDNS || a.Health != "", usual, a.Addr.String(), a.Addr.String())
}

func nodeCell(a Address) (ink, string) {
	if a.Serving {
		return usual, "up"
	}
	return gone, "down"
}

func healthCell(a Address) (ink, string) {
	switch a.Health {
	case "":
		return faint, "-"
	case mooring.HealthHealthy:
		return good, "healthy"
	case mooring.HealthInitial:
		return fresh, "initial"
	case mooring.HealthDraining, mooring.HealthUnhealthyDraining:
		return wary, "draining"
	}
	return bad, string(a.Health)
}

func flowsCell(a Address) (ink, string) {
	if a.Flows <= 0 {
		return faint, "-"
	}
	return usual, strconv.Itoa(a.Flows)
}
