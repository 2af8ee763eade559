package config

import (
	"bytes"
	"encoding/json"
	"maps"
)

// Schema returns the JSON Schema (draft 2020-12) of the file, made from the settings. It knows every key and its
// type, for editors and for checks before a change is rolled out; what only the whole can tell, [Load] tells.
func Schema() []byte {
	defs, refs := map[string]any{}, map[string]any{}
	for _, s := range settings {
		defs[s.Key()] = s.schema()
		refs[s.Key()] = map[string]any{"$ref": "#/$defs/" + s.Key()}
	}
	binding := map[string]any{"name": map[string]any{
		"description": "what reports and metrics call it; unique (default the group's name and the port)",
		"type":        "string", "minLength": 1, "maxLength": maxName, "pattern": nameForm.text,
	}}
	maps.Copy(binding, refs)
	object := func(properties map[string]any) map[string]any {
		return map[string]any{"type": "object", "additionalProperties": false, "properties": properties}
	}
	root := object(map[string]any{
		"defaults": object(refs),
		"bindings": map[string]any{"type": "array", "minItems": 1, "maxItems": maxBindings, "items": object(binding)},
	})
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "configuration of mooring"
	root["required"] = []string{"bindings"}
	root["$defs"] = defs
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	_ = e.Encode(root) // strings, numbers, maps and lists of them: nothing here can fail
	return out.Bytes()
}

func (s Setting) schema() map[string]any {
	out := map[string]any{"description": s.Usage}
	if s.Default != "" {
		out["default"] = s.Default
	}
	if s.Repeatable {
		list := map[string]any{"type": "array", "minItems": 1, "maxItems": s.most, "items": s.value.schema}
		out["anyOf"] = []map[string]any{s.value.schema, list}
		return out
	}
	maps.Copy(out, s.value.schema)
	return out
}
