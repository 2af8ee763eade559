package demo

import (
	"strings"
	"unicode"
)

// An ink is how a terminal writes: the parameters of an SGR sequence (ECMA-48, 8.3.117). Only the eight colours that a
// theme defines are used, so that the screen suits a light terminal as well as a dark one.
type ink string

const (
	usual  ink = ""
	strong ink = "1"
	faint  ink = "2"
	good   ink = "32"
	bad    ink = "1;31"
	gone   ink = "31"
	wary   ink = "33"
	fresh  ink = "36"
)

// A stroke is some text in one ink. Its text is legible: one rune is one cell.
type stroke struct {
	ink  ink
	text []rune
}

// A row is one line of the screen. Only add puts text into it, so that whatever a row holds is legible.
type row []stroke

func (r row) add(i ink, text string) row { return append(r, stroke{i, legible(text)}) }

func (r row) width() (n int) {
	for _, s := range r {
		n += len(s.text)
	}
	return n
}

// fill makes the row exactly this wide: by spaces, or by cutting it, which an ellipsis tells.
func (r row) fill(width int) row {
	r = r.cut(width)
	return r.add(usual, times(" ", width-r.width()))
}

func (r row) cut(width int) row {
	if r.width() <= width {
		return r
	}
	if width <= 0 {
		return nil
	}
	var out row
	left := width - 1
	for _, s := range r {
		if len(s.text) > left {
			s.text = append(s.text[:left:left], '…')
			return append(out, s)
		}
		out, left = append(out, s), left-len(s.text)
	}
	return out
}

// ends puts one row at the left end and one at the right. The left one is cut for it, unless it were nearly gone: then
// the right one is left out.
func ends(left, right row, width int) row {
	const least = 12
	room := width - right.width() - 2
	if room < min(least, left.width()) {
		return left.cut(width)
	}
	return append(left.fill(room).add(usual, "  "), right...)
}

// String is the row with its colours, and without the spaces at its end.
func (r row) String() string {
	var b strings.Builder
	blank := 0
	for _, s := range r {
		if len(s.text) == 0 {
			continue
		}
		text := string(s.text)
		if s.ink == usual {
			word := strings.TrimRight(text, " ")
			if word != "" {
				b.WriteString(times(" ", blank))
				blank = 0
			}
			b.WriteString(word)
			blank += len(text) - len(word)
			continue
		}
		b.WriteString(times(" ", blank))
		blank = 0
		b.WriteString("\x1b[" + string(s.ink) + "m" + text + "\x1b[m")
	}
	return b.String()
}

// times repeats a sign, and is nothing where there is no room for one.
func times(sign string, n int) string { return strings.Repeat(sign, max(n, 0)) }

// mostRunes is what is read of any text: more than the widest screen shows.
const mostRunes = 1000

// legible keeps what takes one cell on any terminal: ASCII, Latin, and the few signs of this screen. Everything else
// (control characters, what turns the direction of writing, what combines, what is two cells wide) becomes a question
// mark, so that counting runes is measuring.
func legible(text string) []rune {
	out := make([]rune, 0, min(len(text), mostRunes))
	for _, r := range text {
		if len(out) == mostRunes {
			break
		}
		switch {
		case r == '\n' || r == '\t':
			r = ' '
		case r < 0x300 && unicode.IsPrint(r), strings.ContainsRune("–—…→×·─━✓✗", r):
		default:
			r = '?'
		}
		out = append(out, r)
	}
	return out
}

// wrap breaks a text between its words into at most this many lines; what remains is cut.
func wrap(i ink, text string, width, most int) (out []row) {
	words := strings.Fields(string(legible(text)))
	for len(words) > 0 && len(out) < most {
		line, n := words[0], 1
		for n < len(words) && len([]rune(line))+1+len([]rune(words[n])) <= width {
			line, n = line+" "+words[n], n+1
		}
		if len(out) == most-1 {
			line, n = strings.Join(words, " "), len(words)
		}
		out, words = append(out, row{}.add(i, line).cut(width)), words[n:]
	}
	return out
}
