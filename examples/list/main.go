// List uses a queue like a list that programs share: what one puts in, another takes out, once.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/errandhq/errand/hotqueue"
	"github.com/errandhq/errand/store/memory"
)

// Message is what the queue holds.
type Message struct {
	To   string
	Text string
}

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	st := memory.New() // with sqlite.Open(ctx, "jobs.db") the queue is shared by all programs that open the file
	defer st.Close()
	mail := hotqueue.New[Message](st, "mail")

	// Put appends one message or many, all or none.
	if err := mail.Put(ctx, Message{"ada", "hello"}, Message{"bob", "hi"}, Message{"cat", "good morning"}); err != nil {
		return err
	}
	n, err := mail.Len(ctx)
	if err != nil {
		return err
	}
	fmt.Println(n, "messages wait")

	// Get takes the first, and waits for one when there is none.
	m, err := mail.Get(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("to %s: %s\n", m.To, m.Text)

	// Consume takes one after another. It too waits for more, until ctx ends; with NoWait, until the queue is empty.
	for m, err := range mail.Consume(ctx, hotqueue.NoWait) {
		if err != nil {
			return err
		}
		fmt.Printf("to %s: %s\n", m.To, m.Text)
	}
	if _, err = mail.Get(ctx, hotqueue.NoWait); errors.Is(err, hotqueue.ErrEmpty) {
		fmt.Println(err)
	}

	// A queue of anything takes a string, then a map, then what you like.
	things := hotqueue.New[any](st, "things")
	if err := things.Put(ctx, "a string", map[string]any{"id": int64(9007199254740993)}); err != nil {
		return err
	}
	for thing, err := range things.Consume(ctx, hotqueue.NoWait) {
		if err != nil {
			return err
		}
		fmt.Println(thing)
	}
	return nil
}
