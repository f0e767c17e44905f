package main

import (
	"context"
	"fmt"
	"time"

	"github.com/errandhq/errand"
)

// Readings are what a meter sends.
type Readings struct {
	Meter  string
	Values []float64
}

// UploadData stores readings.
var UploadData = errand.DefineFunc("upload-data", func(_ context.Context, r Readings) error {
	sum := 0.0
	for _, v := range r.Values {
		sum += v
	}
	fmt.Printf("%s: %d readings, %g in all\n", r.Meter, len(r.Values), sum)
	return nil
}, errand.Retry(5, errand.Exponential(time.Second, time.Hour)))

// Command is what a meter is told.
type Command struct {
	Meter string
	Order string
}

// SendCommand sends a command to a meter.
var SendCommand = errand.DefineFunc("send-command", func(_ context.Context, c Command) error {
	if c.Meter == "m-0" {
		return fmt.Errorf("meter %s does not answer", c.Meter)
	}
	fmt.Printf("%s: told %q\n", c.Meter, c.Order)
	return nil
}, errand.Timeout(30*time.Second))

// Account is a customer's account.
type Account struct {
	Customer string
	Cents    []int64 // of each booking
}

// TellBalance calculates a customer's balance and tells it.
var TellBalance = errand.DefineFunc("tell-balance", func(_ context.Context, a Account) error {
	var balance int64
	for _, cents := range a.Cents {
		balance += cents
	}
	fmt.Printf("Dear %s, your balance is %.2f.\n", a.Customer, float64(balance)/100)
	return nil
})

// TellPrize tells somebody of a prize.
var TellPrize = errand.DefineFunc("tell-prize", func(_ context.Context, name string) error {
	fmt.Printf("Dear %s, you have won a prize!\n", name)
	return nil
})
