package errand

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"sync"
)

// Codec turns values into payloads and back. It must be safe for use by many goroutines.
type Codec interface {
	Marshal(v any) ([]byte, error)
	// Unmarshal reads data into the value that v points to. It must not keep data.
	Unmarshal(data []byte, v any) error
}

// JSON is the default codec. Beyond encoding/json it refuses types that JSON would silently empty (a struct without
// exported fields and without a marshaler, such as a database handle), and it keeps big numbers intact where it decodes
// into an interface: they come as [json.Number].
var JSON Codec = jsonCodec{}

type jsonCodec struct{}

func (jsonCodec) Marshal(v any) ([]byte, error) {
	if v == nil {
		return []byte("null"), nil
	}
	if err := typeFacts(reflect.TypeOf(v)).emptied; err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

func (jsonCodec) Unmarshal(data []byte, v any) error {
	if !typeFacts(reflect.TypeOf(v)).dynamic {
		return json.Unmarshal(data, v)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("data after the JSON value")
	}
	return nil
}

// facts is what the JSON codec needs to know of a type.
type facts struct {
	emptied error // not nil: JSON would drop what the type holds
	dynamic bool  // an interface is somewhere inside
}

var factsByType sync.Map // reflect.Type -> facts

func typeFacts(t reflect.Type) facts {
	if f, ok := factsByType.Load(t); ok {
		return f.(facts)
	}
	var f facts
	f.inspect(t, map[reflect.Type]bool{})
	factsByType.Store(t, f)
	return f
}

var (
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
)

func (f *facts) inspect(t reflect.Type, seen map[reflect.Type]bool) {
	if seen[t] {
		return
	}
	seen[t] = true
	if t.Kind() == reflect.Interface {
		f.dynamic = true
		return
	}
	for _, m := range []reflect.Type{jsonMarshaler, textMarshaler} {
		if t.Implements(m) || reflect.PointerTo(t).Implements(m) {
			return
		}
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		f.inspect(t.Elem(), seen)
	case reflect.Struct:
		f.inspectStruct(t, seen)
	default: // the rest either encodes as it is or json.Marshal refuses it
	}
}

func (f *facts) inspectStruct(t reflect.Type, seen map[reflect.Type]bool) {
	encoded := 0
	for field := range t.Fields() {
		embedded := field.Anonymous && indirect(field.Type).Kind() == reflect.Struct
		if !field.IsExported() && !embedded || field.Tag.Get("json") == "-" {
			continue
		}
		encoded++
		f.inspect(field.Type, seen)
	}
	if encoded == 0 && t.NumField() > 0 && f.emptied == nil {
		f.emptied = fmt.Errorf("type %v has no exported fields, so JSON would drop what it holds: "+
			"export its fields, give it a MarshalJSON method, or pass an id to load it by", t)
	}
}

func indirect(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}
