package config

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Environment looks a variable up, as [os.LookupEnv] does.
type Environment func(name string) (value string, set bool)

// Flags looks a flag up: its values, and whether it was given.
type Flags func(name string) (values []string, set bool)

// Load returns every binding that flags, environment and file make, sorted as in the file. The error joins every fault.
//
// A flag goes before its variable, the variable before the file's binding, that before the file's defaults, and those
// before the default. Without a file it is one binding, and in place of the file stands the environment of the function
// that mooring replaces. read may be nil where nothing but the environment can hold a configuration.
func Load(ctx context.Context, flags Flags, env Environment, read Reader) ([]Config, error) {
	l := &loader{env: env, above: map[string][]given{}}
	for _, s := range settings {
		if values := lookup(s, flags, env); values != nil {
			l.above[s.Name] = values
		}
	}
	l.try(l.above)
	var drafts []*draft
	if source := lookup(configSetting, flags, env); source != nil {
		drafts = l.fromFile(ctx, source[len(source)-1], read)
	} else {
		drafts = l.fromEnvironment()
	}
	configs := make([]Config, 0, len(drafts))
	for _, d := range drafts {
		configs = append(configs, l.make(d))
	}
	l.unused(drafts, configs)
	l.distinct(drafts, configs)
	l.legacyStates(drafts, configs)
	l.explain()
	if err := l.err(); err != nil {
		return nil, err
	}
	return configs, nil
}

// given is one value of a setting, and where it was set.
type given struct {
	value string
	at    place
}

// loader collects the faults of one configuration. Each value is tried where it is read, and a fault of it is told
// there and once, however many bindings it reaches.
type loader struct {
	faults
	env     Environment
	above   map[string][]given // what flags and variables say, by the setting's name
	nearest []near             // the replaced functions of whose variables the most are set, and not all
}

// A draft is a binding in the making.
type draft struct {
	layers []map[string][]given // by the setting's name; the first that has it wins
	name   string               // "": the group's name and the port
	home   *section             // in the file; nil without one
	wants  map[string]string    // what to say in place of the usual where a setting is missing
	legacy *Legacy
}

// lookup finds the values of a setting among flags and variables.
func lookup(s Setting, flags Flags, env Environment) []given {
	if values, ok := flags(s.Name); ok {
		return givens(place{name: "--" + s.Name}, values...)
	}
	if v, ok := env(s.Variable()); ok && v != "" {
		at := place{name: s.Variable()}
		if s.Repeatable {
			return givens(at, splitList(v)...)
		}
		return givens(at, v)
	}
	return nil
}

func givens(at place, values ...string) (out []given) {
	for _, v := range values {
		out = append(out, given{v, at})
	}
	return out
}

// try tells what is wrong with each value by itself.
func (l *loader) try(values map[string][]given) {
	c := fresh()
	for _, s := range settings {
		for _, g := range values[s.Name] {
			if err := s.value.set(&c, g.value); err != nil {
				l.add(g.at, g.value, err)
			}
		}
	}
}

// lookup returns nil where the setting is not set. What was set and could not even be read is empty.
func (d *draft) lookup(name string) []given {
	for _, layer := range d.layers {
		if values, ok := layer[name]; ok {
			return values
		}
	}
	return nil
}

// make applies the settings, and checks what no single one can.
func (l *loader) make(d *draft) Config {
	c := fresh()
	apply := func(s Setting) {
		for _, g := range d.lookup(s.Name) {
			_ = s.value.set(&c, g.value) // its fault was told where it was read
		}
	}
	apply(setting("answers")) // it chooses the profile that the others change
	for _, s := range settings {
		if s.Name != "answers" {
			apply(s)
		}
	}
	c.settleFront()
	slices.Sort(c.Binding.Hostnames)
	c.Binding.Hostnames = slices.Compact(c.Binding.Hostnames)
	c.Binding.Name, c.Named = d.name, d.name != ""
	if !c.Named {
		c.Binding.Name = nameOf(c.Binding)
	}
	c.Legacy = d.legacy
	l.legacyState(d, &c)
	l.finish(d, c)
	return c
}

func (l *loader) finish(d *draft, c Config) {
	for _, s := range settings {
		if s.wanted == "" || d.lookup(s.Name) != nil {
			continue
		}
		want := s.wanted
		if w, ok := d.wants[s.Name]; ok {
			want = w
		}
		l.add(d.about(s), "", errors.New("not set: want "+want))
	}
	l.belongs(d, "external-id", "role-arn", c.AWS.ExternalID != "" && c.AWS.RoleARN == "")
	l.belongs(d, "memory-external-id", "memory-role-arn",
		c.Memory.ExternalID != "" && (c.Memory.RoleARN == "" || c.Memory.RoleARN == "none"))
	l.front(d, c)
	for _, err := range unjoin(c.Policy.Validate()) {
		l.add(d.whole("policy"), "", err)
	}
}

// belongs tells that a setting is set without the one that it belongs to.
func (l *loader) belongs(d *draft, name, to string, alone bool) {
	other := d.lookup(to)
	if !alone || len(other) > 0 && other[0].value != "none" {
		return // in the second case the other one is there, and faulty
	}
	if d.home == nil {
		l.add(d.about(setting(name)), "", fmt.Errorf("set without --%s, which it belongs to", to))
		return
	}
	l.add(d.lookup(name)[0].at, "", fmt.Errorf("set without %s, which it belongs to", setting(to).Key()))
}

// about is where a setting that the binding lacks would be set.
func (d *draft) about(s Setting) place {
	if d.home == nil {
		return place{name: where(s.Name)}
	}
	return place{name: s.Key(), in: d.home, line: d.home.line, col: d.home.col}
}

// whole is where the binding stands; without a file, a word for what is wrong with it.
func (d *draft) whole(word string) place {
	if d.home == nil {
		return place{name: word}
	}
	return place{in: d.home, line: d.home.line, col: d.home.col}
}

// distinct refuses two bindings of one name, and two for one group and port. A name that was given counts also where
// other settings of its binding are faulty, so that both are told at once.
func (l *loader) distinct(drafts []*draft, configs []Config) {
	names, groups := map[string]int{}, claims{}
	for i, c := range configs {
		sound := c.Binding.TargetGroup != "" // what else it lacks was told
		taken := false
		if sound {
			var first int
			if first, taken = groups.claim(i, c); taken {
				l.add(drafts[i].whole("binding "+c.Binding.Name), "", fmt.Errorf("moored to %s, as %s is", mooredTo(c), drafts[first].title(configs[first])))
			}
		}
		if !c.Named && (!sound || taken) {
			continue // names made of equal groups are equal for the same reason
		}
		if first, ok := names[c.Binding.Name]; ok {
			l.add(drafts[i].whole("binding "+c.Binding.Name), "", fmt.Errorf("its name %s is also that of %s: give it another by name", c.Binding.Name, drafts[first].title(configs[first])))
			continue
		}
		names[c.Binding.Name] = i
	}
}

// title is what a binding is called beside another.
func (d *draft) title(c Config) string {
	if d.home == nil {
		return c.Binding.Name
	}
	return fmt.Sprintf("%s on line %d", d.home.path, d.home.line)
}

// explain says, where something is wrong, why the environment of a replaced function was not used.
func (l *loader) explain() {
	if len(l.list) == 0 {
		return
	}
	for _, n := range l.nearest {
		l.add(place{name: "the environment of " + n.title}, "", fmt.Errorf("not complete, and so not used: %s is not set", n.missing))
		l.refuse(n.format)
	}
}

func setting(name string) Setting {
	return settings[slices.IndexFunc(settings, func(s Setting) bool { return s.Name == name })]
}

func where(name string) string { return "--" + name + " or " + Setting{Name: name}.Variable() }

func unjoin(err error) []error {
	if err == nil {
		return nil
	}
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		return joined.Unwrap()
	}
	return []error{err}
}
