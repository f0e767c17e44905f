package schema_test

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/errandhq/errand/internal/schema"
)

type address struct {
	Street string `json:"street"`
	Zip    string `json:"zip,omitempty"`
}

type base struct {
	ID      int64 `json:"id"`
	Dropped int   `json:"-"`
	hidden  int
}

type message struct {
	base
	*address
	To       []string            `json:"to"`
	Headers  map[string][]string `json:"headers,omitempty"`
	Age      *uint8              `json:"age"`
	When     time.Time           `json:"when"`
	Delay    time.Duration       `json:"delay"`
	Raw      json.RawMessage     `json:"raw"`
	Any      any                 `json:"any,omitzero"`
	Body     []byte
	Fixed    [2]bool    `json:"fixed"`
	Big      int64      `json:"big,string"`
	IP       netip.Addr `json:"ip"`
	Named    address    `json:"named"`
	Optional *address   `json:"optional"`
}

type tree struct {
	Value    float64         `json:"value"`
	Children []tree          `json:"children"`
	Parent   *tree           `json:"parent,omitempty"`
	Others   map[string]leaf `json:"others"`
}

type leaf struct{ Tree *tree }

type shadow struct {
	base
	ID string `json:"id"`
}

type list[T any] struct {
	Head T
	Tail *list[T]
}

func TestOf(t *testing.T) {
	for _, test := range []struct {
		of   reflect.Type
		want string
	}{
		{reflect.TypeFor[int](), `{"type":"integer"}`},
		{reflect.TypeFor[uint16](), `{"minimum":0,"type":"integer"}`},
		{reflect.TypeFor[string](), `{"type":"string"}`},
		{reflect.TypeFor[any](), `{}`},
		{reflect.TypeFor[json.Number](), `{"type":"number"}`},
		{reflect.TypeFor[*bool](), `{"type":["boolean","null"]}`},
		{reflect.TypeFor[*[]int](), `{"anyOf":[{"items":{"type":"integer"},"type":["array","null"]},{"type":"null"}]}`},
		{reflect.TypeFor[struct{}](), `{"properties":{},"type":"object"}`},
		{reflect.TypeFor[shadow](), `{"properties":{"id":{"type":"string"}},"required":["id"],"type":"object"}`},
		{reflect.TypeFor[message](), `{"properties":{
			"Body":{"contentEncoding":"base64","type":["string","null"]},
			"age":{"minimum":0,"type":["integer","null"]},
			"any":{},
			"big":{"type":"string"},
			"delay":{"description":"nanoseconds","type":"integer"},
			"fixed":{"items":{"type":"boolean"},"maxItems":2,"minItems":2,"type":"array"},
			"headers":{"additionalProperties":{"items":{"type":"string"},"type":["array","null"]},"type":["object","null"]},
			"id":{"type":"integer"},
			"ip":{"type":"string"},
			"named":{"properties":{"street":{"type":"string"},"zip":{"type":"string"}},"required":["street"],"type":"object"},
			"optional":{"properties":{"street":{"type":"string"},"zip":{"type":"string"}},"required":["street"],"type":["object","null"]},
			"raw":{},
			"street":{"type":"string"},
			"to":{"items":{"type":"string"},"type":["array","null"]},
			"when":{"format":"date-time","type":"string"},
			"zip":{"type":"string"}},
			"required":["id","to","when","delay","raw","Body","fixed","big","ip","named"],"type":"object"}`},
		{reflect.TypeFor[tree](), `{"$defs":{"tree":{"properties":{
			"children":{"items":{"$ref":"#/$defs/tree"},"type":["array","null"]},
			"others":{"additionalProperties":{"properties":{"Tree":{"anyOf":[{"$ref":"#/$defs/tree"},{"type":"null"}]}},"type":"object"},"type":["object","null"]},
			"parent":{"anyOf":[{"$ref":"#/$defs/tree"},{"type":"null"}]},
			"value":{"type":"number"}},
			"required":["value","children","others"],"type":"object"}},"$ref":"#/$defs/tree"}`},
		{reflect.TypeFor[list[int]](), `{"$defs":{"list[int]":{"properties":{
			"Head":{"type":"integer"},"Tail":{"anyOf":[{"$ref":"#/$defs/list[int]"},{"type":"null"}]}},
			"required":["Head"],"type":"object"}},"$ref":"#/$defs/list[int]"}`},
	} {
		var want, got any
		if err := json.Unmarshal([]byte(test.want), &want); err != nil {
			t.Fatal(err)
		}
		text := schema.Of(test.of)
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatalf("%v: %v: %s", test.of, err, text)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%v is described as\n%s", test.of, text)
		}
		if again := schema.Of(test.of); string(again) != string(text) {
			t.Errorf("%v is described in two ways", test.of)
		}
	}
	for _, none := range []reflect.Type{reflect.TypeFor[chan int](), reflect.TypeFor[struct{ F func() }](), reflect.TypeFor[complex128]()} {
		if text := schema.Of(none); text != nil {
			t.Errorf("%v is described as %s", none, text)
		}
	}
	_ = base{hidden: 1}.hidden
}

type selfEmbedded struct {
	*selfEmbedded //nolint:unused // it is what is described
	N             int
}

type selfSlice []selfSlice

type selfMap map[string]selfMap

// Types that contain themselves in odd ways end.
func TestOfOddRecursion(t *testing.T) {
	for _, odd := range []reflect.Type{reflect.TypeFor[selfEmbedded](), reflect.TypeFor[selfSlice](), reflect.TypeFor[selfMap]()} {
		if text := schema.Of(odd); !json.Valid(text) {
			t.Errorf("%v is described as %s", odd, text)
		}
	}
}
