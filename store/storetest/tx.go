package storetest

import (
	"errors"
	"slices"

	"github.com/errandhq/errand"
)

func needsTx(h Harness) bool { return h.BeginTx != nil }

var txCases = slices.Concat(txEnqueueCases, txSettleCases)

var txEnqueueCases = []testCase{
	{name: "what is enqueued in a transaction is there when it commits, and not before", needs: needsTx, run: func(k *kit) {
		tx := k.begin()
		s := spec()
		k.ok(k.enqueueTx(tx, s))
		k.ok(tx.Commit())
		k.run(s.ID, errand.EventSucceeded)
	}},
	{name: "what is enqueued in a transaction that is rolled back never was", needs: needsTx, run: func(k *kit) {
		tx := k.begin()
		s := spec(unique("key", 0))
		k.ok(k.enqueueTx(tx, s))
		k.ok(tx.Write(k.ctx))
		k.ok(tx.Rollback())
		_, err := k.st.Job(k.ctx, "", s.ID)
		k.wantError(err, errand.ErrJobNotFound)
		k.none()
		k.enqueue(unique("key", 0))
		if info := k.queueInfo("q"); info.Enqueued.Total != 1 {
			k.Errorf("enqueued jobs counted: %d", info.Enqueued.Total)
		}
	}},
	{name: "a duplicate is refused in a transaction, which can go on", needs: needsTx, run: func(k *kit) {
		holder := k.enqueue(unique("key", 0))
		tx := k.begin()
		var dup *errand.DuplicateError
		if err := k.enqueueTx(tx, spec(unique("key", 0))); !errors.As(err, &dup) || dup.ID != holder {
			k.Errorf("got %v", err)
		}
		s := spec()
		k.ok(k.enqueueTx(tx, s))
		k.ok(tx.Commit())
		k.want(errand.StateQueued, s.ID)
	}},
	{name: "subscribers are woken when the transaction commits", needs: needsTx, run: func(k *kit) {
		k.woken(errand.QueueTopic("q"), func() {
			tx := k.begin()
			k.ok(k.enqueueTx(tx, spec()))
			k.ok(tx.Commit())
		})
	}},
	{name: "a transaction of an unknown kind is refused", needs: needsTx, run: func(k *kit) {
		st := k.transactor()
		for _, tx := range []any{nil, 7, "tx"} {
			_, err := st.EnqueueTx(k.ctx, tx, errand.EnqueueRequest{Now: k.now, Groups: [][]errand.JobSpec{{spec()}}})
			k.wantError(err, errand.ErrTxUnsupported)
			_, err = st.SettleTx(k.ctx, tx, errand.SettleRequest{Now: k.now})
			k.wantError(err, errand.ErrTxUnsupported)
		}
	}},
}

var txSettleCases = []testCase{
	{name: "a settle in a transaction lands with the caller's own writes", needs: needsTx, run: func(k *kit) {
		job := k.claimOne(k.enqueue())
		child := k.enqueue(after(job.ID))
		tx := k.begin()
		k.ok(tx.Write(k.ctx))
		k.ok(k.settleTx(tx, outcome(job, errand.EventSucceeded)))
		k.ok(tx.Commit())
		k.written(tx, true)
		_, err := k.st.Job(k.ctx, "", job.ID)
		k.wantError(err, errand.ErrJobNotFound)
		k.want(errand.StateQueued, child)
	}},
	{name: "a settle in a transaction that is rolled back has not happened, nor have the caller's writes", needs: needsTx, run: func(k *kit) {
		job := k.claimOne(k.enqueue())
		tx := k.begin()
		k.ok(tx.Write(k.ctx))
		k.ok(k.settleTx(tx, outcome(job, errand.EventSucceeded)))
		k.ok(tx.Rollback())
		k.written(tx, false)
		k.same("job", k.job(job.ID), job)
		k.settle(job, errand.EventFailed)
	}},
	{name: "an old token is refused in a transaction", needs: needsTx, run: func(k *kit) {
		id := k.enqueue()
		stale := k.claimOne(id)
		k.lose()
		k.claimOne(id)
		tx := k.begin()
		k.wantError(k.settleTx(tx, outcome(stale, errand.EventSucceeded)), errand.ErrLeaseLost)
		k.ok(tx.Rollback())
		k.want(errand.StateStarted, id)
	}},
}

func (k *kit) begin() Tx { k.Helper(); return k.h.BeginTx(k.t, k.st) }

func (k *kit) transactor() errand.Transactor {
	k.Helper()
	st, ok := k.st.(errand.Transactor)
	if !ok {
		k.Fatal("the harness begins transactions and the store is no errand.Transactor")
	}
	return st
}

func (k *kit) enqueueTx(tx Tx, specs ...errand.JobSpec) error {
	k.Helper()
	errs, err := k.transactor().EnqueueTx(k.ctx, tx.Value, errand.EnqueueRequest{Now: k.now, Groups: [][]errand.JobSpec{specs}})
	k.ok(err)
	return errs[0]
}

func (k *kit) settleTx(tx Tx, o errand.Outcome) error {
	k.Helper()
	errs, err := k.transactor().SettleTx(k.ctx, tx.Value, errand.SettleRequest{
		Now: k.now, Worker: "w1", Outcomes: []errand.Outcome{o},
	})
	k.ok(err)
	return errs[0]
}

func (k *kit) written(tx Tx, want bool) {
	k.Helper()
	got, err := tx.Written(k.ctx)
	k.ok(err)
	if got != want {
		k.Fatalf("the caller's write is in the database: %v, want %v", got, want)
	}
}
