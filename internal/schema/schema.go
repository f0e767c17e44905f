// Package schema describes Go types as JSON Schema, in the form in which encoding/json writes them: for forms that people
// fill in, and for programs that speak to Errand in other languages.
package schema

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Of returns the JSON Schema (draft 2020-12) of what encoding/json makes of a type. Of what it cannot know, such as the
// output of a type's own MarshalJSON, it says that anything may be. It returns nil for a type that JSON has no form for,
// and for one with more than 2,000 parts.
func Of(t reflect.Type) json.RawMessage {
	d := describer{names: make(map[reflect.Type]string), defs: make(map[string]schema)}
	d.findCycles(t, make(map[reflect.Type]bool))
	s := d.of(t)
	if len(d.defs) > 0 {
		s = s.with("$defs", d.defs)
	}
	text, err := json.Marshal(s)
	if err != nil || d.impossible {
		return nil
	}
	return text
}

// schema is a JSON object; encoding/json writes it with its keys sorted, so that equal types have equal schemas.
type schema map[string]any

func (s schema) with(key string, value any) schema {
	s[key] = value
	return s
}

// orNull is s, or null.
func (s schema) orNull() schema {
	if kind, ok := s["type"].(string); ok {
		return s.with("type", []string{kind, "null"})
	}
	if len(s) == 0 {
		return s // anything is null too
	}
	return schema{"anyOf": []schema{s, {"type": "null"}}}
}

// describer describes one type and those in it. A type that contains itself is named, and referred to by its name.
type describer struct {
	names      map[reflect.Type]string // of types that contain themselves
	defs       map[string]schema
	parts      int
	impossible bool
}

// maxParts bounds a schema.
const maxParts = 2000

var (
	timeType      = reflect.TypeFor[time.Time]()
	durationType  = reflect.TypeFor[time.Duration]()
	rawType       = reflect.TypeFor[json.RawMessage]()
	numberType    = reflect.TypeFor[json.Number]()
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
)

func marshals(t, how reflect.Type) bool {
	return t.Implements(how) || t.Kind() != reflect.Pointer && reflect.PointerTo(t).Implements(how)
}

// special describes types that do not look in JSON as their kind does.
func special(t reflect.Type) (schema, bool) {
	switch {
	case t == timeType:
		return schema{"type": "string", "format": "date-time"}, true
	case t == durationType:
		return schema{"type": "integer", "description": "nanoseconds"}, true
	case t == numberType:
		return schema{"type": "number"}, true
	case t == rawType, t.Kind() == reflect.Interface, marshals(t, jsonMarshaler):
		return schema{}, true
	case marshals(t, textMarshaler):
		return schema{"type": "string"}, true
	}
	return nil, false
}

// findCycles names the types that contain themselves, at least one of each circle of types.
func (d *describer) findCycles(t reflect.Type, done map[reflect.Type]bool) {
	if _, ok := special(t); ok {
		return
	}
	if t.Name() != "" {
		finished, seen := done[t]
		if seen && !finished && d.names[t] == "" {
			d.names[t] = d.name(t)
		}
		if seen {
			return
		}
		done[t] = false
		defer func() { done[t] = true }()
	}
	switch t.Kind() { //nolint:exhaustive // the others contain nothing
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		d.findCycles(t.Elem(), done)
	case reflect.Struct:
		for f := range t.Fields() {
			if f.IsExported() || f.Anonymous {
				d.findCycles(f.Type, done)
			}
		}
	}
}

// name returns the type's name, with a number where another one has it.
func (d *describer) name(t reflect.Type) string {
	base := strings.Map(func(r rune) rune {
		if r == '/' || r == '~' || r == '%' || r == '#' { // of generic types; they mean something in a reference
			return '.'
		}
		return r
	}, t.Name())
	if base == "" {
		base = "struct"
	}
	name := base
	taken := func() bool {
		for _, other := range d.names {
			if other == name {
				return true
			}
		}
		return false
	}
	for n := 2; taken(); n++ {
		name = base + strconv.Itoa(n)
	}
	return name
}

func (d *describer) of(t reflect.Type) schema {
	if s, ok := special(t); ok {
		return s
	}
	if d.parts++; d.parts > maxParts {
		d.impossible = true
		return schema{}
	}
	name := d.names[t]
	if name == "" {
		return d.describe(t)
	}
	if _, ok := d.defs[name]; !ok {
		d.defs[name] = nil // it is being described
		d.defs[name] = d.describe(t)
	}
	return schema{"$ref": "#/$defs/" + name}
}

func (d *describer) describe(t reflect.Type) schema {
	switch t.Kind() {
	case reflect.Bool:
		return schema{"type": "boolean"}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return schema{"type": "integer"}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return schema{"type": "integer", "minimum": 0}
	case reflect.Float32, reflect.Float64:
		return schema{"type": "number"}
	case reflect.String:
		return schema{"type": "string"}
	case reflect.Pointer:
		return d.of(t.Elem()).orNull()
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 && !marshals(t.Elem(), jsonMarshaler) && !marshals(t.Elem(), textMarshaler) {
			return schema{"type": []string{"string", "null"}, "contentEncoding": "base64"}
		}
		return schema{"type": []string{"array", "null"}, "items": d.of(t.Elem())}
	case reflect.Array:
		return schema{"type": "array", "items": d.of(t.Elem()), "minItems": t.Len(), "maxItems": t.Len()}
	case reflect.Map:
		return schema{"type": []string{"object", "null"}, "additionalProperties": d.of(t.Elem())}
	case reflect.Struct:
		return d.object(t)
	default:
		d.impossible = true
		return schema{}
	}
}

func (d *describer) object(t reflect.Type) schema {
	properties, required := schema{}, []string{}
	for _, f := range fieldsOf(t) {
		s := d.of(f.typ)
		if f.quoted {
			s = schema{"type": "string"}
		}
		properties[f.name] = s
		if !f.optional {
			required = append(required, f.name)
		}
	}
	s := schema{"type": "object", "properties": properties}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}
