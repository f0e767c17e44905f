package web

import (
	"bytes"
	"encoding/json"
	"maps"
	"math/big"
	"slices"
)

// compareNumbers compares numbers of any size. What is no number is equal to all.
func compareNumbers(a, b json.Number) int {
	x, _, err := big.ParseFloat(a.String(), 10, 512, big.ToNearestEven)
	if err != nil {
		return 0
	}
	y, _, err := big.ParseFloat(b.String(), 10, 512, big.ToNearestEven)
	if err != nil {
		return 0
	}
	return x.Cmp(y)
}

// maxExample bounds an example, in bytes.
const maxExample = 16 << 10

// example is a payload that fits a schema, to be filled in.
func example(s *schema) string {
	var out bytes.Buffer
	c := &checker{root: s}
	c.example(&out, s, 0)
	var pretty bytes.Buffer
	if out.Len() > maxExample || json.Indent(&pretty, out.Bytes(), "", "  ") != nil {
		return "{}"
	}
	return pretty.String()
}

func (c *checker) example(out *bytes.Buffer, s *schema, depth int) {
	s = c.follow(s)
	if s == nil || depth > 6 || out.Len() > maxExample {
		out.WriteString("null")
		return
	}
	for _, given := range [][]json.RawMessage{s.Examples, {s.Default}, s.Enum} {
		if len(given) > 0 && len(given[0]) > 0 {
			out.Write(given[0])
			return
		}
	}
	kind := ""
	if i := slices.IndexFunc(s.Type, func(name string) bool { return name != "null" }); i >= 0 {
		kind = s.Type[i]
	} else if len(s.Properties) > 0 {
		kind = "object"
	}
	switch kind {
	case "object":
		c.exampleObject(out, s, depth)
	case "array":
		out.WriteByte('[')
		if s.Items != nil && depth < 4 {
			c.example(out, s.Items, depth+1)
		}
		out.WriteByte(']')
	case "string":
		switch s.Format {
		case "date-time":
			out.WriteString(`"2026-01-31T09:30:00Z"`)
		case "date":
			out.WriteString(`"2026-01-31"`)
		default:
			out.WriteString(`""`)
		}
	case "number", "integer":
		if s.Minimum != nil && compareNumbers(*s.Minimum, "0") > 0 {
			out.WriteString(s.Minimum.String())
			return
		}
		out.WriteByte('0')
	case "boolean":
		out.WriteString("false")
	default:
		if options := append(slices.Clone(s.AnyOf), s.OneOf...); len(options) > 0 {
			c.example(out, options[0], depth+1)
			return
		}
		out.WriteString("null")
	}
}

// exampleObject writes the members that are required first, in the schema's order, then the others by name.
func (c *checker) exampleObject(out *bytes.Buffer, s *schema, depth int) {
	names := slices.Clone(s.Required)
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	out.WriteByte('{')
	first := true
	for _, name := range names {
		own, ok := s.Properties[name]
		if !ok {
			continue
		}
		if !first {
			out.WriteByte(',')
		}
		first = false
		quoted, _ := json.Marshal(name) // a string can be written
		out.Write(quoted)
		out.WriteByte(':')
		c.example(out, own, depth+1)
	}
	out.WriteByte('}')
}
