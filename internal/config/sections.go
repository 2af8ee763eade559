package config

import (
	"errors"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"
)

// A pair is a key and what it holds.
type pair struct {
	key string
	at  *yaml.Node // the key
	val *yaml.Node
}

// top reads the two keys of the file.
func (l *loader) top(top *section, root *yaml.Node) []*draft {
	if root.Kind != yaml.MappingNode {
		l.add(top.at(root, ""), "", fmt.Errorf("want a mapping with bindings, and perhaps defaults; this is %s", kindOf(root)))
		return nil
	}
	defaults, list := &section{}, (*yaml.Node)(nil)
	for _, p := range l.pairs(top, root, []string{"defaults", "bindings"}) {
		if p.key == "bindings" {
			list = p.val
			continue
		}
		defaults = l.section(top, p.val, "defaults", settingKeys)
	}
	switch {
	case list == nil:
		l.add(top.at(root, "bindings"), "", errors.New("not set: want a list of bindings"))
		return nil
	case list.Kind == yaml.ScalarNode && list.ShortTag() == "!!null":
		l.add(top.at(list, "bindings"), "", errors.New("is empty: want a list of bindings"))
		return nil
	case list.Kind != yaml.SequenceNode:
		l.add(top.at(list, "bindings"), "", fmt.Errorf("want a list of bindings, each with its hostname; this is %s", kindOf(list)))
		return nil
	case len(list.Content) == 0 || len(list.Content) > maxBindings:
		l.add(top.at(list, "bindings"), "", fmt.Errorf("want 1 to %d bindings; there are %d", maxBindings, len(list.Content)))
		return nil
	}
	drafts := make([]*draft, 0, len(list.Content))
	for i, n := range list.Content {
		s := l.section(top, n, bindingPath(i, n, defaults), bindingKeys)
		if n.Kind != yaml.MappingNode {
			continue // which was told
		}
		drafts = append(drafts, &draft{layers: []map[string][]given{l.above, s.values, defaults.values}, name: s.name, home: s})
	}
	return drafts
}

// section reads the settings of one mapping.
func (l *loader) section(top *section, n *yaml.Node, path string, known []string) *section {
	s := &section{file: top.file, path: path, line: n.Line, col: n.Column, values: map[string][]given{}}
	if n.Kind != yaml.MappingNode {
		if n.Kind != yaml.AliasNode {
			l.add(s.at(n, ""), "", fmt.Errorf("want a mapping of settings; this is %s", kindOf(n)))
		}
		return s
	}
	for _, p := range l.pairs(s, n, known) {
		if p.key == "name" {
			l.name(s, p)
			continue
		}
		setting := settings[settingByKey[p.key]]
		s.values[setting.Name] = l.values(s, setting, p)
	}
	l.try(s.values)
	return s
}

func (l *loader) name(s *section, p pair) {
	v, err := scalar(p.val, false)
	if err == nil {
		err = checkName(v)
	}
	if err != nil {
		l.add(s.at(p.val, p.key), v, err)
		return
	}
	s.name = v
}

// pairs reads a mapping, without what it may not hold.
func (l *loader) pairs(s *section, n *yaml.Node, known []string) (out []pair) {
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content) && !l.full(); i += 2 {
		p := pair{n.Content[i].Value, n.Content[i], n.Content[i+1]}
		line, again := first[p.key]
		switch {
		case p.at.Kind != yaml.ScalarNode:
			l.add(s.at(p.at, ""), "", fmt.Errorf("want a key; this is %s", kindOf(p.at)))
		case !slices.Contains(known, p.key):
			l.add(s.at(p.at, keyName(p.key)), "", errors.New("unknown key"+didYouMean(p.key, known)))
		case again:
			l.add(s.at(p.at, p.key), "", fmt.Errorf("set twice: first on line %d", line))
		default:
			first[p.key] = p.at.Line
			out = append(out, p)
		}
	}
	return out
}

// values reads what one key holds: one value, or of a repeatable one also a list.
func (l *loader) values(s *section, set Setting, p pair) (out []given) {
	nodes := []*yaml.Node{p.val}
	if p.val.Kind == yaml.SequenceNode && set.Repeatable {
		nodes = p.val.Content
		if len(nodes) == 0 || len(nodes) > set.most {
			l.add(s.at(p.val, p.key), "", fmt.Errorf("want one value, or a list of 1 to %d", set.most))
			nodes = nil
		}
	}
	for _, n := range nodes {
		if n.Kind == yaml.AliasNode {
			continue // which was told
		}
		v, err := scalar(n, set.value.plain)
		if errors.Is(err, errNumber) {
			if wrong := set.value.set(&Config{}, v); wrong != nil {
				err = wrong // a duration without its unit, say
			}
		}
		if err != nil {
			l.add(s.at(n, p.key), v, err)
			continue
		}
		out = append(out, given{v, s.at(n, p.key)})
	}
	if out == nil {
		out = []given{} // set, and faulty: so it is not missing
	}
	return out
}

var errNumber = errors.New("want text: put it in quotes")

// scalar is the text of a value. What is written as a number is one where plain numbers are taken.
func scalar(n *yaml.Node, plain bool) (string, error) {
	if n.Kind != yaml.ScalarNode {
		return "", fmt.Errorf("want one value; this is %s", kindOf(n))
	}
	switch tag := n.ShortTag(); {
	case tag == "!!null":
		return "", errors.New("no value")
	case tag == "!!bool":
		return n.Value, errors.New("want text or a number; nothing here is true or false")
	case (tag == "!!int" || tag == "!!float") && !plain:
		return n.Value, errNumber
	case n.Value == "":
		return "", errors.New("no value")
	}
	return n.Value, nil
}

func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	default:
		return "a single value"
	}
}

// bindingPath is what a binding is called in its faults: its place in the list, counted from 0, and its name, where
// what makes it one is sound.
func bindingPath(i int, n *yaml.Node, defaults *section) string {
	path := fmt.Sprintf("bindings[%d]", i)
	if name := written(n, "name"); checkName(name) == nil {
		return path + " (" + name + ")"
	}
	var c Config
	for _, s := range []Setting{setting("target-group"), setting("port")} {
		v := written(n, s.Key())
		if values := defaults.values[s.Name]; v == "" && len(values) > 0 {
			v = values[0].value
		}
		_ = s.value.set(&c, v)
	}
	if c.Binding.TargetGroup == "" {
		return path
	}
	return path + " (" + nameOf(c.Binding) + ")"
}

// written is the text of a key, whatever it is; "" without it.
func written(n *yaml.Node, key string) string {
	if n.Kind != yaml.MappingNode {
		return ""
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1].Value
		}
	}
	return ""
}

var (
	settingByKey = byKey()
	settingKeys  = keys()
	bindingKeys  = append([]string{"name"}, settingKeys...)
)

func byKey() map[string]int {
	m := map[string]int{}
	for i, s := range settings {
		m[s.Key()] = i
	}
	return m
}

func keys() (out []string) {
	for _, s := range settings {
		out = append(out, s.Key())
	}
	return out
}
