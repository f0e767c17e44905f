package schema

import (
	"reflect"
	"strings"
)

// field is a property of a struct's JSON object.
type field struct {
	name     string
	typ      reflect.Type
	depth    int  // in embedded structs
	tagged   bool // its name comes from a tag
	optional bool // a pointer, or left out when it is empty
	quoted   bool // a number or bool written as a string
}

// fieldsOf lists the properties of a struct, those of embedded structs among them, by the rules of encoding/json: of
// several with a name, the least deep one counts, then the one whose name comes from a tag; else none.
func fieldsOf(t reflect.Type) []field {
	var all []field
	collect(t, 0, false, map[reflect.Type]bool{}, &all)
	var fields []field
	for i, f := range all {
		best := true
		for j, other := range all {
			if i == j || other.name != f.name {
				continue
			}
			if other.depth < f.depth || other.depth == f.depth && (other.tagged || !f.tagged) {
				best = false
			}
		}
		if best {
			fields = append(fields, f)
		}
	}
	return fields
}

func collect(t reflect.Type, depth int, optional bool, inside map[reflect.Type]bool, all *[]field) {
	if inside[t] {
		return
	}
	inside[t] = true
	defer delete(inside, t)
	for f := range t.Fields() {
		tag := f.Tag.Get("json")
		if tag == "-" {
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		bare := f.Type
		if bare.Kind() == reflect.Pointer {
			bare = bare.Elem()
		}
		if f.Anonymous && name == "" && bare.Kind() == reflect.Struct {
			if _, ok := special(f.Type); !ok {
				collect(bare, depth+1, optional || bare != f.Type, inside, all)
				continue
			}
		}
		if !f.IsExported() {
			continue
		}
		has := func(option string) bool { return strings.Contains(","+options+",", ","+option+",") }
		out := field{
			name: name, typ: f.Type, depth: depth, tagged: name != "",
			optional: optional || f.Type.Kind() == reflect.Pointer || has("omitempty") || has("omitzero"),
			quoted:   has("string") && scalar(bare.Kind()),
		}
		if name == "" {
			out.name = f.Name
		}
		*all = append(*all, out)
	}
}

func scalar(k reflect.Kind) bool {
	return k == reflect.Bool || k == reflect.String || k >= reflect.Int && k <= reflect.Float64
}
