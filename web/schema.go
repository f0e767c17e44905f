package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/errandhq/errand/internal/lang"
)

// schema is what a worker says that a task takes: the part of JSON Schema that describes Go's types. Keywords that are
// not here are not checked; what does not fit here is caught by the worker, as for any payload.
type schema struct {
	Ref         string             `json:"$ref"`
	Defs        map[string]*schema `json:"$defs"`
	Type        typeNames          `json:"type"`
	Properties  map[string]*schema `json:"properties"`
	Required    []string           `json:"required"`
	Additional  *schema            `json:"additionalProperties"`
	Items       *schema            `json:"items"`
	AnyOf       []*schema          `json:"anyOf"`
	OneOf       []*schema          `json:"oneOf"`
	Enum        []json.RawMessage  `json:"enum"`
	Minimum     *json.Number       `json:"minimum"`
	Maximum     *json.Number       `json:"maximum"`
	MinLength   *int               `json:"minLength"`
	MaxLength   *int               `json:"maxLength"`
	MaxItems    *int               `json:"maxItems"`
	Format      string             `json:"format"`
	Description string             `json:"description"`
	Default     json.RawMessage    `json:"default"`
	Examples    []json.RawMessage  `json:"examples"`

	never bool // the schema false
}

// UnmarshalJSON reads a schema, which may also be true or false.
func (s *schema) UnmarshalJSON(raw []byte) error {
	switch string(bytes.TrimSpace(raw)) {
	case "true":
		return nil
	case "false":
		s.never = true
		return nil
	}
	type plain schema
	return json.Unmarshal(raw, (*plain)(s))
}

// typeNames is one name of a type, or several.
type typeNames []string

// UnmarshalJSON reads a name or a list of names.
func (t *typeNames) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*t = typeNames{one}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(t))
}

// fault is what does not fit a schema, and where.
type fault struct {
	Where string // such as lines[0].sku; empty: the whole
	Text  string
}

// The bounds of a check.
const (
	maxFaults      = 20
	maxSchemaDepth = 32
	maxSchemaSteps = 200_000
)

// checker holds a payload against a schema.
type checker struct {
	root   *schema
	lang   *lang.Lang
	faults []fault
	steps  *int // that are left; schemas can be made that take for ever
}

// checkPayload says what in a payload does not fit its task's schema.
func checkPayload(l *lang.Lang, s *schema, payload []byte) []fault {
	d := json.NewDecoder(bytes.NewReader(payload))
	d.UseNumber() // big integers stay as they are
	var value any
	if err := d.Decode(&value); err != nil {
		return []fault{{Text: l.T("The payload is not JSON: %s.", err.Error())}}
	}
	steps := maxSchemaSteps
	c := &checker{root: s, lang: l, steps: &steps}
	c.check(s, value, "", 0)
	return c.faults
}

func (c *checker) fault(where, text string, args ...any) {
	if len(c.faults) < maxFaults {
		c.faults = append(c.faults, fault{where, c.lang.T(text, args...)})
	}
}

// follow returns what a reference within the schema refers to.
func (c *checker) follow(s *schema) *schema {
	for range maxSchemaDepth {
		if s == nil || s.Ref == "" {
			return s
		}
		if s.Ref == "#" {
			return c.root
		}
		name, ok := strings.CutPrefix(s.Ref, "#/$defs/")
		if !ok {
			return nil
		}
		s = c.root.Defs[name]
	}
	return nil
}

func (c *checker) check(s *schema, value any, where string, depth int) {
	if *c.steps--; *c.steps < 0 {
		return
	}
	if s = c.follow(s); s == nil || depth > maxSchemaDepth {
		return
	}
	if s.never {
		c.fault(where, unknownMember)
		return
	}
	if options := append(slices.Clone(s.AnyOf), s.OneOf...); len(options) > 0 && !c.fitsOne(options, value, depth) {
		c.fault(where, lang.Mark("This fits none of the forms that it may have."))
		return
	}
	if got := typeOf(value); len(s.Type) > 0 && !slices.ContainsFunc(s.Type, func(want string) bool { return isOf(got, want) }) {
		c.fault(where, lang.Mark("This is %s, and has to be %s."), c.lang.T(got), c.typesText(s.Type))
		return
	}
	if len(s.Enum) > 0 && !slices.ContainsFunc(s.Enum, func(one json.RawMessage) bool { return sameJSON(one, value) }) {
		c.fault(where, lang.Mark("This has to be one of %s."), listed(s.Enum))
	}
	switch value := value.(type) {
	case map[string]any:
		c.checkObject(s, value, where, depth)
	case []any:
		if s.MaxItems != nil && len(value) > *s.MaxItems {
			c.fault(where, lang.Mark("This has %d elements, and may have %d."), len(value), *s.MaxItems)
		}
		for i, element := range value {
			c.check(s.Items, element, where+"["+strconv.Itoa(i)+"]", depth+1)
		}
	case string:
		n := utf8.RuneCountInString(value)
		if s.MinLength != nil && n < *s.MinLength {
			c.fault(where, lang.Mark("This has %d characters, and has to have %d at least."), n, *s.MinLength)
		}
		if s.MaxLength != nil && n > *s.MaxLength {
			c.fault(where, lang.Mark("This has %d characters, and may have %d."), n, *s.MaxLength)
		}
	case json.Number:
		if s.Minimum != nil && compareNumbers(value, *s.Minimum) < 0 {
			c.fault(where, lang.Mark("This is less than %s."), s.Minimum.String())
		}
		if s.Maximum != nil && compareNumbers(value, *s.Maximum) > 0 {
			c.fault(where, lang.Mark("This is more than %s."), s.Maximum.String())
		}
	}
}

func (c *checker) checkObject(s *schema, value map[string]any, where string, depth int) {
	for _, name := range s.Required {
		if _, ok := value[name]; !ok {
			c.fault(below(where, name), lang.Mark("This is missing."))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(value)) {
		if own, ok := s.Properties[name]; ok {
			c.check(own, value[name], below(where, name), depth+1)
		} else if s.Additional != nil {
			c.check(s.Additional, value[name], below(where, name), depth+1)
		} else if len(s.Properties) > 0 { // JSON Schema allows it, and Go passes over it: mostly a slip
			c.fault(below(where, name), unknownMember)
		}
	}
}

func (c *checker) fitsOne(options []*schema, value any, depth int) bool {
	return slices.ContainsFunc(options, func(option *schema) bool {
		own := &checker{root: c.root, lang: c.lang, steps: c.steps}
		own.check(option, value, "", depth+1)
		return len(own.faults) == 0
	})
}

func (c *checker) typesText(names []string) string {
	var texts []string
	for _, name := range names {
		texts = append(texts, c.lang.T(typeText(name)))
	}
	return strings.Join(texts, c.lang.T(" or "))
}

var unknownMember = lang.Mark("This is not known here. Is it spelled right?")

// The kinds of values, as sentences say them.
var (
	aString  = lang.Mark("a string")
	aNumber  = lang.Mark("a number")
	anInt    = lang.Mark("an integer")
	aBool    = lang.Mark("true or false")
	anObject = lang.Mark("an object")
	aList    = lang.Mark("a list")
	aNull    = lang.Mark("null")
)

// typeText is the kind of value that a schema's type means.
func typeText(name string) string {
	return map[string]string{
		"string": aString, "number": aNumber, "integer": anInt, "boolean": aBool, "object": anObject, "array": aList, "null": aNull,
	}[name]
}

func typeOf(value any) string {
	switch value := value.(type) {
	case map[string]any:
		return anObject
	case []any:
		return aList
	case string:
		return aString
	case bool:
		return aBool
	case json.Number:
		if strings.ContainsAny(value.String(), ".eE") {
			return aNumber
		}
		return anInt
	}
	return aNull
}

// isOf reports whether a kind of value is of a schema's type.
func isOf(kind, name string) bool {
	return typeText(name) == kind || name == "number" && kind == anInt || typeText(name) == ""
}

// below names a member of what is at a place.
func below(where, name string) string {
	if len(name) > 60 || strings.ContainsAny(name, ".[] \"") || name == "" {
		name = strconv.Quote(clip(60, name))
	}
	if where == "" {
		return name
	}
	return where + "." + name
}

func sameJSON(raw json.RawMessage, value any) bool {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var other any
	return d.Decode(&other) == nil && fmt.Sprint(other) == fmt.Sprint(value) && typeOf(other) == typeOf(value)
}

func listed(list []json.RawMessage) string {
	var texts []string
	for _, raw := range list[:min(len(list), 20)] {
		texts = append(texts, clip(60, string(raw)))
	}
	return strings.Join(texts, ", ")
}
