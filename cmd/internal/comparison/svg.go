package main

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// A chart is lines and marks over two axes, drawn by hand: readable in light and in dark, without scripts and fonts of
// others, and with words for those who hear it.
type chart struct {
	title, desc    string
	xlabel, ylabel string
	x, y           axis
	series         []series
	out            strings.Builder
}

// An axis has ticks, and is logarithmic or not.
type axis struct {
	min, max float64
	log      bool
	ticks    []tick
}

type tick struct {
	at   float64
	name string
}

// A series is one contender's line, and marks beside it.
type series struct {
	name   string
	line   []point
	marks  []point // what was counted
	limits []point // what nothing was counted above
}

type point struct{ x, y float64 }

const (
	width, height           = 760, 430
	left, right, top, below = 92, 140, 48, 54
)

// paint is how a contender's line looks: the colours can be told apart by most eyes and on both grounds, the dashes by all.
var paint = map[string]struct{ colour, dash string }{
	"v1": {"#b8860b", "2 3"}, "v2": {"#d2691e", "7 4"}, "v3": {"#8a63d2", "1 0"}, "v3 each minute": {"#c2508a", "9 3 2 3"},
	"monitor": {"#808890", "4 2"}, mooringName: {"#1f8a8a", "1 0"},
}

// place is where a value lies between 0 and 1.
func (a axis) place(v float64) float64 {
	if a.log {
		v = math.Max(v, a.min)
		return (math.Log(v) - math.Log(a.min)) / (math.Log(a.max) - math.Log(a.min))
	}
	return (v - a.min) / (a.max - a.min)
}

func (c *chart) px(v float64) float64 { return left + c.x.place(v)*(width-left-right) }
func (c *chart) py(v float64) float64 { return height - below - c.y.place(v)*(height-top-below) }

func (c *chart) put(format string, args ...any) { fmt.Fprintf(&c.out, format+"\n", args...) }

// draw returns the chart.
func (c *chart) draw() []byte {
	c.put(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-labelledby="title desc">`, width, height, width, height)
	c.put(`<title id="title">%s</title>`, html.EscapeString(c.title))
	c.put(`<desc id="desc">%s</desc>`, html.EscapeString(c.desc))
	c.put(`<style>
text { font: 12px sans-serif; fill: #24292f; }
.head { font-size: 14px; font-weight: bold; }
.grid { stroke: #8c959f; stroke-opacity: 0.35; }
.axis { stroke: #57606a; }
.line { fill: none; stroke-width: 2; }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3; } .axis { stroke: #8b949e; } }
</style>`)
	c.put(`<text class="head" x="%d" y="20">%s</text>`, left, html.EscapeString(c.title))
	c.axes()
	for i, s := range c.series {
		c.plot(s)
		c.legend(i, s)
	}
	c.put(`</svg>`)
	return []byte(c.out.String())
}

func (c *chart) axes() {
	for _, t := range c.x.ticks {
		x := c.px(t.at)
		c.put(`<line class="grid" x1="%.1f" y1="%d" x2="%.1f" y2="%d"/>`, x, top, x, height-below)
		c.put(`<text x="%.1f" y="%d" text-anchor="middle">%s</text>`, x, height-below+18, html.EscapeString(t.name))
	}
	for _, t := range c.y.ticks {
		y := c.py(t.at)
		c.put(`<line class="grid" x1="%d" y1="%.1f" x2="%d" y2="%.1f"/>`, left, y, width-right, y)
		c.put(`<text x="%d" y="%.1f" text-anchor="end">%s</text>`, left-8, y+4, html.EscapeString(t.name))
	}
	c.put(`<path class="axis" fill="none" d="M%d %dV%dH%d"/>`, left, top, height-below, width-right)
	c.put(`<text x="%d" y="%d" text-anchor="middle">%s</text>`, (left+width-right)/2, height-14, html.EscapeString(c.xlabel))
	c.put(`<text x="%d" y="%d">%s</text>`, left, top-10, html.EscapeString(c.ylabel))
}

func (c *chart) plot(s series) {
	p := paint[s.name]
	if len(s.line) > 0 {
		var d strings.Builder
		for i, at := range s.line {
			fmt.Fprintf(&d, "%c%.1f %.1f", "ML"[min(i, 1)], c.px(at.x), c.py(at.y))
		}
		c.put(`<path class="line" stroke="%s" stroke-dasharray="%s" d="%s"/>`, p.colour, p.dash, d.String())
	}
	for _, at := range s.marks {
		c.put(`<circle cx="%.1f" cy="%.1f" r="4" fill="%s"/>`, c.px(at.x), c.py(at.y), p.colour)
	}
	for _, at := range s.limits {
		x, y := c.px(at.x), c.py(at.y)
		c.put(`<path fill="none" stroke="%s" stroke-width="1.5" d="M%.1f %.1fh10l-5 8z"/>`, p.colour, x-5, y)
	}
}

func (c *chart) legend(i int, s series) {
	p, y := paint[s.name], top+10+i*22
	c.put(`<path class="line" stroke="%s" stroke-dasharray="%s" d="M%d %dh26"/>`, p.colour, p.dash, width-right+14, y)
	c.put(`<text x="%d" y="%d">%s</text>`, width-right+46, y+4, html.EscapeString(s.name))
}
