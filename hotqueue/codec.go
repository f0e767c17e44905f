package hotqueue

import (
	"bytes"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/errandhq/errand"
)

// Raw is a codec for queues of []byte or string: what is put is what is stored.
var Raw errand.Codec = rawCodec{}

type rawCodec struct{}

func (rawCodec) Marshal(v any) ([]byte, error) {
	switch v := v.(type) {
	case []byte:
		return bytes.Clone(v), nil
	case string:
		return []byte(v), nil
	default:
		return nil, fmt.Errorf("type %T: the Raw codec takes only []byte and string", v)
	}
}

func (rawCodec) Unmarshal(data []byte, v any) error {
	switch v := v.(type) {
	case *[]byte:
		*v = bytes.Clone(data)
	case *string:
		*v = string(data)
	default:
		return fmt.Errorf("type %T: the Raw codec gives only []byte and string", v)
	}
	return nil
}

// DecodeError is the error of a message that is no value of the queue's type. The message has left the queue; its bytes
// are here, and not in the error's text. It is an [errand.ErrDecode].
type DecodeError struct {
	Queue   string
	Message []byte
	Err     error // of the codec
}

// Error names the queue and gives the codec's reason.
func (e *DecodeError) Error() string {
	return fmt.Sprintf("message of %d bytes from %q %v: %v", len(e.Message), e.Queue, errand.ErrDecode, e.Err)
}

// Unwrap returns [errand.ErrDecode] and the codec's error.
func (e *DecodeError) Unwrap() []error { return []error{errand.ErrDecode, e.Err} }

// decode turns a message into a value. The message has left the store, so a codec that panics must not take it along.
func (q *Queue[T]) decode(message []byte) (value T, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &errand.PanicError{Value: v, Trace: string(debug.Stack())}
		}
		if err != nil {
			err = &DecodeError{Queue: q.name, Message: message, Err: err}
		}
	}()
	err = q.codec.Unmarshal(message, &value)
	return value, err
}

// encode turns values into messages, all or none.
func (q *Queue[T]) encode(values []T) ([][]byte, error) {
	messages := make([][]byte, len(values))
	for i, value := range values {
		message, err := q.codec.Marshal(value)
		switch {
		case err != nil:
			err = fmt.Errorf("value of type %T %w: %w", value, errand.ErrEncode, err)
		case len(message) > q.max:
			err = fmt.Errorf("%w: %d bytes, the limit is %d: put an id to load the data by, or use hotqueue.MaxMessage",
				errand.ErrPayloadTooLarge, len(message), q.max)
		}
		if err != nil {
			if len(values) > 1 {
				err = fmt.Errorf("message %d: %w", i, err)
			}
			return nil, err
		}
		messages[i] = message
	}
	return messages, nil
}

// ErrEmpty says that the queue stayed empty for as long as [NoWait] or [Wait] allows.
var ErrEmpty = errors.New("queue is empty")
