package hotqueue_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/hotqueue"
	"github.com/errandhq/errand/store/memory"
)

type Message struct {
	To   string
	Text string
}

// A queue used like a list: put, get, and go through what there is.
func Example() {
	ctx := context.Background()
	st := memory.New() // or sqlite.Open(ctx, "jobs.db"), or store.Open(ctx, url)
	defer st.Close()

	mail := hotqueue.New[Message](st, "mail")
	err := mail.Put(ctx, Message{"ada", "hello"}, Message{"bob", "hi"}, Message{"cat", "good morning"})
	if err != nil {
		fmt.Println(err)
	}

	m, err := mail.Get(ctx) // waits when there is none
	fmt.Println(m.To, m.Text, err)

	for m, err := range mail.Consume(ctx, hotqueue.NoWait) { // without NoWait: until ctx ends
		if err != nil {
			fmt.Println(err) // for instance a message that does not decode: the loop goes on
			continue
		}
		fmt.Println(m.To, m.Text)
	}
	// Output:
	// ada hello <nil>
	// bob hi
	// cat good morning
}

// A queue of anything. Numbers come out as json.Number, so that big ones stay intact.
func ExampleNew_any() {
	ctx := context.Background()
	st := memory.New()
	defer st.Close()

	things := hotqueue.New[any](st, "things")
	if err := things.Put(ctx, "a string", map[string]any{"id": int64(9007199254740993)}); err != nil {
		fmt.Println(err)
	}
	for thing, err := range things.Consume(ctx, hotqueue.NoWait) {
		if err != nil {
			fmt.Println(err)
		}
		fmt.Printf("%T %v\n", thing, thing)
	}
	// Output:
	// string a string
	// map[string]interface {} map[id:9007199254740993]
}

// How long Get waits.
func ExampleQueue_Get() {
	ctx := context.Background()
	st := memory.New()
	defer st.Close()

	mail := hotqueue.New[Message](st, "mail")
	_, err := mail.Get(ctx, hotqueue.NoWait)
	fmt.Println(errors.Is(err, hotqueue.ErrEmpty))

	_, err = mail.Get(ctx, hotqueue.Wait(10*time.Millisecond))
	fmt.Println(err)
	// Output:
	// true
	// get from "mail": queue is empty
}

// A function of one parameter becomes a loop over a queue of parameters. A parameter whose call fails is kept as a
// failed job.
func ExampleWorker() {
	ctx := context.Background()
	st := memory.New()
	defer st.Close()

	numbers := hotqueue.New[int](st, "numbers")
	square := hotqueue.Worker(numbers, func(_ context.Context, n int) error {
		if n > 1000 {
			return fmt.Errorf("%d is too much for me", n)
		}
		fmt.Println(n * n)
		return nil
	}, hotqueue.NoWait, quiet) // without NoWait: until ctx ends

	if err := numbers.Put(ctx, 12, 5000, 7); err != nil {
		fmt.Println(err)
	}
	if err := square.Run(ctx); err != nil {
		fmt.Println(err)
	}

	page, err := st.Jobs(ctx, errand.JobFilter{Queue: "numbers", State: errand.StateFailed})
	if err != nil {
		fmt.Println(err)
	}
	for _, job := range page.Jobs {
		rec, _ := job.LastError()
		fmt.Printf("%s(%s) failed: %s\n", job.Task, job.Payload, rec.Error)
	}
	// Output:
	// 144
	// 49
	// hotqueue.numbers(5000) failed: 5000 is too much for me
}
