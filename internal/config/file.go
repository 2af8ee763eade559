package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// A Reader reads the configuration that --config names: a path, or s3://BUCKET/KEY; at most MaxFile bytes.
type Reader func(ctx context.Context, where string) ([]byte, error)

// What a file may hold.
const (
	MaxFile     = 1 << 20
	maxBindings = 1000
	maxDepth    = 8 // of lists and mappings in one another; what is understood has 4
)

// A section is the whole file, its defaults, or one of its bindings.
type section struct {
	file      string // its name
	path      string // defaults, or bindings[2] (web-443): counted from 0
	line, col int
	values    map[string][]given // by the setting's name
	name      string
}

func (s *section) at(n *yaml.Node, key string) place {
	return place{name: key, in: s, line: n.Line, col: n.Column}
}

// fromFile makes a draft of each of the file's bindings. source is --config or MOORING_CONFIG, and its value.
func (l *loader) fromFile(ctx context.Context, source given, read Reader) []*draft {
	for _, name := range []string{"hostname", "port", "target-group"} {
		if values := l.above[name]; len(values) > 0 {
			l.add(values[0].at, "", fmt.Errorf("set together with a configuration (%s), each of whose bindings has its own", source.at))
		}
	}
	name, body := source.value, []byte(source.value)
	if source.at.name == configSetting.Variable() && inline(source.value) {
		name = source.at.name
	} else {
		var err error
		if body, err = readFrom(ctx, source.value, read); err != nil {
			l.add(source.at, source.value, err)
			return nil
		}
	}
	top := &section{file: name}
	if len(body) > MaxFile {
		l.add(place{in: top}, "", fmt.Errorf("larger than %d bytes", MaxFile))
		return nil
	}
	root, fault := parse(body)
	if fault != nil {
		l.add(place{in: top, line: fault.line}, "", fault.err)
		return nil
	}
	l.plain(top, root, 0)
	return l.top(top, root)
}

func readFrom(ctx context.Context, where string, read Reader) ([]byte, error) {
	if where == "" {
		return nil, errors.New("want a file, or s3://BUCKET/KEY")
	}
	if read == nil {
		return nil, errors.New("no files are read here")
	}
	return read(ctx, where)
}

// inline tells the YAML itself from the name of a file that holds it. A name has no braces, no space after a colon, no
// control characters, and is short; what has is taken for YAML, so that nobody reads its secrets in an error about a file.
func inline(v string) bool {
	return len(v) > maxWhere || strings.ContainsAny(v, "{}\ufeff") || strings.Contains(v, ": ") || strings.HasSuffix(v, ":") ||
		strings.HasPrefix(v, "---") || strings.HasPrefix(v, "%") || strings.ContainsFunc(v, unicode.IsControl)
}

// maxWhere is the longest place of a file: as long as a path may be.
const maxWhere = 4096

// A syntaxFault is YAML that is none.
type syntaxFault struct {
	line int // 0: not known
	err  error
}

// parse reads one document. The parser has panicked on hostile input before (CVE-2022-28948), and it is not ours.
func parse(body []byte) (root *yaml.Node, fault *syntaxFault) {
	defer func() {
		if recover() != nil {
			root, fault = nil, &syntaxFault{err: errors.New("cannot be parsed as YAML")}
		}
	}()
	var doc, next yaml.Node
	in := yaml.NewDecoder(bytes.NewReader(body))
	if err := in.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		return nil, syntax(err)
	}
	if len(doc.Content) == 0 || doc.Content[0].ShortTag() == "!!null" {
		return nil, &syntaxFault{err: errors.New("empty: want bindings, and perhaps defaults")}
	}
	switch err := in.Decode(&next); {
	case err == nil:
		return nil, &syntaxFault{line: next.Line, err: errors.New("a second document begins here: want one")}
	case !errors.Is(err, io.EOF):
		return nil, syntax(err)
	}
	return doc.Content[0], nil
}

// syntax takes the line out of "yaml: line 3: did not find expected key".
func syntax(err error) *syntaxFault {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		if number, said, ok := strings.Cut(rest, ": "); ok {
			if line, err := strconv.Atoi(number); err == nil {
				return &syntaxFault{line: line, err: errors.New("not YAML: " + said)}
			}
		}
	}
	return &syntaxFault{err: errors.New("not YAML: " + text)}
}

// plain refuses what hides one thing behind another: anchors and aliases, which can also make a small file a huge
// one, and tags, which change what a value is.
func (l *loader) plain(top *section, n *yaml.Node, depth int) {
	switch {
	case depth > maxDepth:
		l.add(top.at(n, ""), "", errors.New("nested too deeply"))
		return
	case n.Kind == yaml.AliasNode:
		l.add(top.at(n, ""), "", errors.New("aliases are not taken: write it out, or put it into defaults"))
		return
	case n.Anchor != "":
		l.add(top.at(n, ""), "", errors.New("anchors are not taken: write it out, or put it into defaults"))
	case n.Style&yaml.TaggedStyle != 0:
		l.add(top.at(n, ""), "", errors.New("tags are not taken"))
	}
	for _, child := range n.Content {
		l.plain(top, child, depth+1)
	}
}
