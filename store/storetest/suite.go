// Package storetest defines what a store is: a store is right when this suite passes. It is for Errand's own stores and
// for those that other people write.
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) errand.Store { return memory.New() })
//	}
//
//	func TestModel(t *testing.T) {
//		storetest.RunModel(t, func(t *testing.T) errand.Store { return memory.New() })
//	}
//
// Each case opens a store of its own, and ends with a check that what the store shows of itself agrees with itself. Every
// request carries its time, so nothing sleeps. Where the doc comments of errand.Store leave something open, the comment
// of the case here says what is meant.
package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/errandhq/errand"
)

// Harness says how the suite gets at a store. Open is needed; the cases that need another field are left out where it is
// nil.
type Harness struct {
	// Open returns an empty store, apart from all others. The suite closes it; so may a cleanup of Open's own.
	Open func(t *testing.T) errand.Store

	// Reopen closes the store and opens it again on the same data. Nil for stores that keep nothing.
	Reopen func(t *testing.T, st errand.Store) errand.Store

	// Corrupt damages what the store holds of a queued job, so that its options can no longer be read while its payload
	// can. Nil for stores whose records are not bytes.
	Corrupt func(t *testing.T, st errand.Store, id string)

	// BeginTx begins a transaction on the store's database, as its user would. Nil for stores that are no
	// errand.Transactor.
	BeginTx func(t *testing.T, st errand.Store) Tx
}

// Tx is a transaction of a store's user.
type Tx struct {
	Value    any                                     // what EnqueueTx and SettleTx get
	Write    func(ctx context.Context) error         // does a write of the user's own, once, inside the transaction
	Written  func(ctx context.Context) (bool, error) // whether that write is in the database, asked outside it
	Commit   func() error
	Rollback func() error
}

// Run runs the suite on the stores that open returns, without the cases that need more of a [Harness].
func Run(t *testing.T, open func(t *testing.T) errand.Store) {
	t.Helper()
	Harness{Open: open}.Run(t)
}

// Run runs the suite.
func (h Harness) Run(t *testing.T) {
	t.Helper()
	groups := []struct {
		name  string
		cases []testCase
	}{
		{"Enqueue", enqueueCases}, {"Payload", payloadCases}, {"Unique", uniqueCases}, {"Claim", claimCases},
		{"Lease", leaseCases}, {"Settle", settleCases}, {"Deps", depsCases}, {"DepsRequeue", depsRequeueCases},
		{"Maintain", maintainCases}, {"Inspect", inspectCases}, {"Command", commandCases}, {"Messages", messageCases},
		{"Telemetry", telemetryCases}, {"Series", seriesCases}, {"Audit", auditCases}, {"Notify", notifyCases}, {"Concurrency", concurrencyCases},
		{"HotQueue", hotqueueCases}, {"Tx", txCases}, {"Move", moveCases}, {"Carry", carryCases}, {"Describe", describeCases},
	}
	for _, group := range groups {
		t.Run(group.name, func(t *testing.T) {
			for _, c := range group.cases {
				if c.needs != nil && !c.needs(h) {
					continue
				}
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					k := newKit(t, h)
					c.run(k)
					k.checkInvariants()
				})
			}
		})
	}
}

// testCase is one statement about stores, and its proof.
type testCase struct {
	name  string
	run   func(*kit)
	needs func(Harness) bool // nil: nothing but Open
}

// tester is what the suite needs of a *testing.T and has of a *rapid.T.
type tester interface {
	Helper()
	Error(args ...any)
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Skip(args ...any)
	Failed() bool
	Context() context.Context
}

// kit is what a case works with: a store, a time that passes when the case says so, and helpers that fail the test.
type kit struct {
	tester
	t       *testing.T // for the harness; nil in the model test
	h       Harness
	st      errand.Store
	ctx     context.Context
	now     time.Time
	numbers map[string]int64 // of each worker's last claim
	closed  bool             // the case closed the store: nothing to check
}

// start is the time at which every case begins: a whole minute, so that meters begin a new one.
var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const (
	leaseLength   = 30 * time.Second
	maxRecoveries = 3
)

func newKit(t *testing.T, h Harness) *kit {
	k := &kit{tester: t, t: t, h: h, st: h.Open(t), ctx: t.Context(), now: start, numbers: make(map[string]int64)}
	t.Cleanup(func() {
		if err := k.st.Close(); err != nil && !k.closed {
			t.Errorf("close: %v", err)
		}
	})
	return k
}
