package main

import (
	"fmt"
	"html"
	"image/color"
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// The picture's measures, in its own units. A letter is three fifths as wide as its size in nearly every monospaced
// font, and textLength makes it so in the others.
const (
	letter    = 14.0
	cellWide  = 8.4
	cellHigh  = 19.0
	baseline  = 14.0
	margin    = 14.0
	titleHigh = 32.0
)

// The colours of the terminal that is drawn: calm on a dark ground, and each at least 4.5 to 1 against it, the faint
// ones too.
const (
	ground = "#0f1620"
	edge   = "#263241"
	plain  = "#d5dde6"
)

// theme has the sixteen colours which a terminal's user chooses.
var theme = [16]string{
	"#2b3a4b", "#f2777a", "#7fd1a0", "#e6c07b", "#7aa9f0", "#c69af0", "#6fc7dc", "#d5dde6",
	"#8593a3", "#ff9a9c", "#9fe3b8", "#f2d59a", "#9cc1ff", "#d9b8ff", "#92dcec", "#ffffff",
}

// A stretch is cells of one look, side by side in a line. Its text neither begins nor ends with a space.
type stretch struct {
	look     cell // its text is nothing
	at, wide int  // in cells
	text     string
}

// stretches are a line's. Spaces are none, unless their paper is seen.
func stretches(line []cell) (out []stretch) {
	for x, c := range line {
		text := c.text
		c.text = ""
		last := len(out) - 1
		if last >= 0 && out[last].look == c && out[last].at+out[last].wide == x && isRule(out[last].text) == isRule(text) {
			out[last].text += text
			out[last].wide++
			continue
		}
		out = append(out, stretch{look: c, at: x, wide: 1, text: text})
	}
	kept := out[:0]
	for _, s := range out {
		if s = s.trimmed(); s.text != "" {
			kept = append(kept, s)
		}
	}
	return kept
}

func (s stretch) trimmed() stretch {
	if s.look.paper != nil {
		return s
	}
	text := strings.TrimRight(s.text, " ")
	s.wide -= len(s.text) - len(text)
	s.text = strings.TrimLeft(text, " ")
	s.at += len(text) - len(s.text)
	s.wide -= len(text) - len(s.text)
	return s
}

// rules are the signs that are drawn as lines, so that no font leaves gaps in them, and how thick they are.
var rules = map[rune]float64{'─': 1, '━': 3}

// isRule tells whether a text is of one rule's sign, and of nothing else.
func isRule(text string) rune {
	first, _ := utf8.DecodeRuneInString(text)
	if rules[first] == 0 || strings.Trim(text, string(first)) != "" {
		return 0
	}
	return first
}

// draw is the screen as an SVG in a frame. Equal screens give equal pictures.
func draw(s screen, title string) string {
	width, height := 0, len(s)
	for _, line := range s {
		width = max(width, len(line))
	}
	wide, high := float64(width)*cellWide+2*margin, titleHigh+float64(height)*cellHigh+margin
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %s %s" width="%[1]s" height="%[2]s" role="img" aria-label="%[3]s">`+"\n",
		number(wide), number(high), html.EscapeString(legible(title)))
	fmt.Fprintf(&b, "<style>text{font:%spx ui-monospace,SFMono-Regular,Menlo,Consolas,\"DejaVu Sans Mono\",monospace;fill:%s;white-space:pre}"+
		".b{font-weight:600}.f{opacity:.62}</style>\n", number(letter), plain)
	fmt.Fprintf(&b, `<rect x=".5" y=".5" width="%s" height="%s" rx="9" fill="%s" stroke="%s"/>`+"\n", number(wide-1), number(high-1), ground, edge)
	for i := range 3 {
		fmt.Fprintf(&b, `<circle cx="%d" cy="17" r="5" fill="%s"/>`+"\n", 20+i*17, edge)
	}
	for y, line := range s {
		for _, part := range stretches(line) {
			part.draw(&b, y)
		}
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func (s stretch) draw(b *strings.Builder, line int) {
	x, top := margin+float64(s.at)*cellWide, titleHigh+float64(line)*cellHigh
	wide := float64(s.wide) * cellWide
	if s.look.paper != nil {
		fmt.Fprintf(b, `<rect x="%s" y="%s" width="%s" height="%s" fill="%s"/>`+"\n",
			number(x), number(top), number(wide), number(cellHigh), hex(s.look.paper))
	}
	if strings.TrimSpace(s.text) == "" {
		return
	}
	class, fill := s.class(), ""
	if s.look.ink != nil {
		fill = fmt.Sprintf(` fill="%s"`, hex(s.look.ink))
	}
	if rule := isRule(s.text); rule != 0 {
		if fill == "" {
			fill = fmt.Sprintf(` fill="%s"`, plain)
		}
		thick := rules[rule]
		fmt.Fprintf(b, `<rect%s x="%s" y="%s" width="%s" height="%s"%s/>`+"\n",
			class, number(x), number(top+cellHigh/2-thick/2), number(wide), number(thick), fill)
		return
	}
	if fill != "" { // a rule of the style sheet is stronger than an attribute
		fill = fmt.Sprintf(` style="fill:%s"`, hex(s.look.ink))
	}
	fmt.Fprintf(b, `<text%s x="%s" y="%s" textLength="%s" xml:space="preserve"%s>%s</text>`+"\n",
		class, number(x), number(top+baseline), number(wide), fill, html.EscapeString(legible(s.text)))
}

func (s stretch) class() string {
	var names []string
	if s.look.bold {
		names = append(names, "b")
	}
	if s.look.faint {
		names = append(names, "f")
	}
	if names == nil {
		return ""
	}
	return fmt.Sprintf(` class="%s"`, strings.Join(names, " "))
}

// legible leaves out what XML 1.0 cannot hold.
func legible(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == utf8.RuneError || r == 0xfffe || r == 0xffff {
			return -1
		}
		return r
	}, text)
}

func hex(c color.Color) string {
	switch c := c.(type) {
	case ansi.BasicColor:
		return theme[c%16]
	case ansi.IndexedColor:
		if c < 16 {
			return theme[c]
		}
	}
	r, g, b, _ := c.RGBA()
	return fmt.Sprintf("#%02x%02x%02x", r>>8, g>>8, b>>8)
}

// number is as short as it can be, to a tenth.
func number(n float64) string {
	return strings.TrimSuffix(fmt.Sprintf("%.1f", n), ".0")
}
