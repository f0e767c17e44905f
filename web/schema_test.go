package web

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/errandhq/errand/internal/lang"
)

const invoiceSchema = `{
	"$defs": {"line": {"type": "object", "required": ["sku"], "additionalProperties": false,
		"properties": {"sku": {"type": "string", "minLength": 1}, "amount": {"type": "number", "minimum": 0}, "parts": {"type": "array", "items": {"$ref": "#/$defs/line"}}}}},
	"type": "object", "required": ["id", "lines"], "additionalProperties": false,
	"properties": {
		"id": {"type": "integer", "maximum": 18446744073709551615},
		"currency": {"type": "string", "enum": ["EUR", "CNY"]},
		"note": {"type": ["string", "null"]},
		"when": {"type": "string", "format": "date-time"},
		"lines": {"type": "array", "items": {"$ref": "#/$defs/line"}, "maxItems": 3}
	}}`

func readSchema(t *testing.T, text string) *schema {
	t.Helper()
	s := &schema{}
	if err := json.Unmarshal([]byte(text), s); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestCheckPayload: each fault names the field that it is in.
func TestCheckPayload(t *testing.T) {
	s := readSchema(t, invoiceSchema)
	for payload, want := range map[string][]string{
		`{"id": 18446744073709551615, "lines": [], "note": null}`:               nil,
		`{"id": 18446744073709551616, "lines": []}`:                             {"id"},
		`{"id": "1", "lines": [{"sku": ""}]}`:                                   {"id", "lines[0].sku"},
		`{"lines": [{"amount": -1}], "curency": "EUR"}`:                         {"id", "curency", "lines[0].sku", "lines[0].amount"},
		`{"id": 1.5, "currency": "eur", "lines": [1]}`:                          {"currency", "id", "lines[0]"},
		`{"id": 1, "lines": [{"sku":"a","parts":[{"sku":3}]}]}`:                 {"lines[0].parts[0].sku"},
		`{"id": 1, "lines": [{"sku":"a"},{"sku":"a"},{"sku":"a"},{"sku":"a"}]}`: {"lines"},
		`[]`: {""},
		`{`:  {""},
		`{"id": 1, "lines": [], "a b\"<script>": 1}`: {`"a b\"<script>"`},
	} {
		var where []string
		for _, f := range checkPayload(lang.English, s, []byte(payload)) {
			where = append(where, f.Where)
		}
		if !slices.Equal(where, want) {
			t.Errorf("%s: faults in %q, want %q", payload, where, want)
		}
	}
}

// TestUnknownMember: a member that the schema does not name is a fault, unless it says that there may be any.
func TestUnknownMember(t *testing.T) {
	for schemaText, want := range map[string]int{
		`{"type":"object","properties":{"a":{}}}`:                             1,
		`{"type":"object","properties":{"a":{}},"additionalProperties":true}`: 0,
		`{"type":"object"}`: 0,
		`{"type":"object","additionalProperties":{"type":"integer"}}`: 1,
	} {
		if faults := checkPayload(lang.English, readSchema(t, schemaText), []byte(`{"b":"x"}`)); len(faults) != want {
			t.Errorf("%s: %v", schemaText, faults)
		}
	}
}

// TestExample: an example fits the schema that it was made from, and one that refers to itself ends.
func TestExample(t *testing.T) {
	for _, text := range []string{
		invoiceSchema, `{"type":"string"}`, `{"type":"array","items":{"type":"boolean"}}`, `true`, `{"type":"integer","minimum":7}`,
		`{"type":"object","properties":{"me":{"$ref":"#"}}}`,
	} {
		s := readSchema(t, text)
		made := example(s)
		if !json.Valid([]byte(made)) {
			t.Errorf("%s: the example %s is no JSON", text, made)
		}
		if text == invoiceSchema {
			continue // an empty sku is to be filled in
		}
		if faults := checkPayload(lang.English, s, []byte(made)); len(faults) > 0 && text[:20] != `{"type":"object","pr` {
			t.Errorf("%s: the example %s has faults: %v", text, made, faults)
		}
	}
}

// FuzzCheckPayload: no schema and no payload stops the dashboard.
func FuzzCheckPayload(f *testing.F) {
	f.Add(invoiceSchema, `{"id":1,"lines":[{"sku":"a","parts":[{}]}]}`)
	f.Add(`{"$ref":"#"}`, `1`)
	f.Add(`{"anyOf":[{"$ref":"#"},{"$ref":"#"}],"type":"string"}`, `1`) // would take for ever without a bound
	f.Fuzz(func(t *testing.T, schemaText, payload string) {
		s := &schema{}
		if json.Unmarshal([]byte(schemaText), s) != nil {
			return
		}
		if len(checkPayload(lang.Chinese, s, []byte(payload))) > maxFaults {
			t.Error("too many faults")
		}
		example(s)
	})
}
