package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"image/color"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/term"
)

// The tests run themselves as the small program that is drawn.
const role = "PICTURE_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "":
		os.Exit(m.Run())
	case "story":
		story()
	case "brief":
		fmt.Print("that was all\n")
	}
}

// story draws two frames, and goes on when a key is pressed.
func story() {
	before, err := term.MakeRaw(int(os.Stdin.Fd()))
	if err != nil {
		fmt.Println("no terminal:", err)
		os.Exit(1)
	}
	width, height, _ := term.GetSize(int(os.Stdout.Fd()))
	fmt.Print("\x1b[?1049h\x1b[?2026h\x1b[2J\x1b[1;1H\x1b[1mA <story> & \x1b[0;32mits end\x1b[m\x1b[2;1H\x1b[2m──\x1b[m ──\x1b[3;3H\x1b[41m  \x1b[m")
	fmt.Printf("\x1b[4;1H%dx%d", width, height)
	fmt.Print("\x1b[?2026l")
	key := make([]byte, 1)
	_, _ = os.Stdin.Read(key)
	fmt.Print("\x1b[?1049l")
	_ = term.Restore(int(os.Stdin.Fd()), before)
	fmt.Printf("left by %s\n", key)
}

// onTerminals skips where there are none to be had.
func onTerminals(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("pty: not on Windows")
	}
}

func TestAPictureIsTakenOfARunningProgram(t *testing.T) {
	onTerminals(t)
	t.Setenv(role, "story")
	out := filepath.Join(t.TempDir(), "out.svg")
	err := run(t.Context(), []string{"-out", out, "-when", "its end.*80x24", "-title", `"A" & B`, os.Args[0]})
	if err != nil {
		t.Fatal(err)
	}
	svg, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	texts := wellFormed(t, string(svg))
	if want := []string{"A <story> &", "its end", "80x24"}; !slices.Equal(texts, want) {
		t.Errorf("the picture says %q, not %q", texts, want)
	}
	for _, want := range []string{
		`aria-label="&#34;A&#34; &amp; B"`, `style="fill:#7fd1a0">its end<`, `class="b"`,
		`fill="#f2777a"/>`,                        // the red paper
		`<rect class="f" x="14" y="60" width="16`, // a rule, faint
	} {
		if !strings.Contains(string(svg), want) {
			t.Errorf("the picture has no %s:\n%s", want, svg)
		}
	}
}

// wellFormed returns the texts of an SVG, which must be XML without scripts and links.
func wellFormed(t *testing.T, svg string) (texts []string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(svg))
	inside := ""
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return texts
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, svg)
		}
		switch token := token.(type) {
		case xml.StartElement:
			inside = token.Name.Local
			if !slices.Contains([]string{"svg", "style", "rect", "circle", "text"}, inside) {
				t.Errorf("an element <%s>", inside)
			}
		case xml.CharData:
			if inside == "text" && strings.TrimSpace(string(token)) != "" {
				texts = append(texts, string(token))
			}
		}
	}
}

func TestAProgramThatNeverShowsTheMomentIsAnErrorThatShowsWhatItShowed(t *testing.T) {
	onTerminals(t)
	t.Setenv(role, "brief")
	out := filepath.Join(t.TempDir(), "out.svg")
	err := run(t.Context(), []string{"-out", out, "-when", "something else", os.Args[0]})
	if !errors.Is(err, errEnded) || !strings.Contains(err.Error(), "that was all") {
		t.Errorf("the error is %v", err)
	}
	if _, err := os.Stat(out); !os.IsNotExist(err) {
		t.Errorf("there is a picture: %v", err)
	}
}

func TestAHalfDrawnFrameIsNotSeen(t *testing.T) {
	onTerminals(t)
	t.Setenv(role, "story")
	term, err := start(t.Context(), size{80, 24}, size{80, 24}, []string{os.Args[0]})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := term.await(t.Context(), func(s screen) bool { return strings.Contains(s.String(), "80x24") }); err != nil {
		t.Fatal(err)
	}
	term.mu.Lock()
	_, _ = term.shown.WriteString("\x1b[?2026h\x1b[2J")
	term.mu.Unlock()
	if _, whole, _ := term.see(); whole {
		t.Error("a cleared screen passes for a frame")
	}
	term.leave()
	if err := term.wait(t.Context()); err != nil {
		t.Error(err)
	}
	if said := term.said(); !strings.Contains(said, "left by q") {
		t.Errorf("the program said %q", said)
	}
}

func TestCellsOfOneLookAreOneStretch(t *testing.T) {
	red := ansi.BasicColor(1)
	line := cells("ab cd   ", cell{})
	line = append(line, cells(" ef ", cell{ink: red})...)
	line = append(line, cells("━━━", cell{ink: red})...)
	line = append(line, cells("──x", cell{})...)
	line = append(line, cells("  ", cell{paper: red})...)
	want := []stretch{
		{look: cell{}, at: 0, wide: 5, text: "ab cd"},
		{look: cell{ink: red}, at: 9, wide: 2, text: "ef"},
		{look: cell{ink: red}, at: 12, wide: 3, text: "━━━"},
		{look: cell{}, at: 15, wide: 2, text: "──"},
		{look: cell{}, at: 17, wide: 1, text: "x"},
		{look: cell{paper: red}, at: 18, wide: 2, text: "  "},
	}
	if got := stretches(line); !slices.Equal(got, want) {
		t.Errorf("stretches\n%+v, not\n%+v", got, want)
	}
}

func cells(text string, look cell) (out []cell) {
	for _, r := range text {
		look.text = string(r)
		out = append(out, look)
	}
	return out
}

func TestWhatXMLCannotHoldIsNotInThePicture(t *testing.T) {
	svg := draw(screen{cells("</text><script>a&b\x1b\x00\"'", cell{})}, "\x01<t>")
	if texts := wellFormed(t, svg); !slices.Equal(texts, []string{`</text><script>a&b"'`}) {
		t.Errorf("the picture says %q", texts)
	}
}

func TestColoursAreTheThemesOrTheirOwn(t *testing.T) {
	for c, want := range map[color.Color]string{
		ansi.BasicColor(2): theme[2], ansi.IndexedColor(9): theme[9], ansi.IndexedColor(231): "#ffffff",
		color.RGBA{0x12, 0x34, 0x56, 0xff}: "#123456",
	} {
		if got := hex(c); got != want {
			t.Errorf("%v is %s, not %s", c, got, want)
		}
	}
}

func TestAFullScreenInManyColoursStaysSmall(t *testing.T) {
	var s screen
	for y := range 24 {
		var line []cell
		for x := range 80 {
			line = append(line, cell{text: "W", ink: ansi.BasicColor((x/4 + y) % 16), bold: x%8 < 4})
		}
		s = append(s, line)
	}
	svg := draw(s, "all")
	if len(svg) >= 60_000 {
		t.Errorf("%d bytes", len(svg))
	}
	if svg != draw(s, "all") {
		t.Error("one screen gives two pictures")
	}
	if regexp.MustCompile(`<script|href|url\(|@import|@font-face`).MatchString(svg) {
		t.Error("the picture leads elsewhere")
	}
}
