// Package hotqueue is a queue used like a list: any number of programs put messages in, any number take them out, each
// message is taken once, first in, first out. It descends from HotQueue, which does that with a Redis list in Python.
//
//	package main
//
//	import (
//		"context"
//		"fmt"
//		"log"
//		"os"
//		"os/signal"
//
//		"github.com/errandhq/errand/hotqueue"
//		"github.com/errandhq/errand/store/sqlite"
//	)
//
//	type Message struct {
//		To, Text string
//	}
//
//	func main() {
//		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
//		defer stop()
//		st, err := sqlite.Open(ctx, "jobs.db")
//		if err != nil {
//			log.Fatal(err)
//		}
//		defer st.Close()
//
//		mail := hotqueue.New[Message](st, "mail")
//		if err := mail.Put(ctx, Message{"ada", "hello"}, Message{"bob", "hi"}); err != nil {
//			log.Fatal(err)
//		}
//		for m, err := range mail.Consume(ctx) { // waits for more until the program is interrupted
//			if err != nil {
//				log.Print(err)
//				continue
//			}
//			fmt.Println(m.To, m.Text)
//		}
//	}
//
// Where the loop does nothing but call a function, [Worker] is that loop:
//
//	numbers := hotqueue.New[int](st, "numbers")
//	square := hotqueue.Worker(numbers, func(ctx context.Context, n int) error {
//		fmt.Println(n * n)
//		return nil
//	}, hotqueue.Concurrency(4))
//	err := square.Run(ctx) // until ctx ends; numbers.Put(ctx, 12), here or in any other program, has it print 144
//
// # What is promised
//
// When Put returns nil, the message is in the store, with the store's durability. A message is given to one taker, at
// most once: what was taken is no longer in the store, so a program that crashes between taking a message and dealing
// with it loses that message, as with the ancestor. The same holds for a parameter whose call a crash cuts off. A call
// that fails, though, loses nothing: the parameter becomes a failed job of the queue's name, with its error and stack
// trace, and can be requeued. For work that must survive a crash, use tasks and jobs of package errand.
//
// Message queues and job queues are apart: a queue of messages and a queue of jobs may have the same name, and do where
// parameters have failed.
package hotqueue
