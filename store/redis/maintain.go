package redis

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/errandhq/errand"
)

const (
	silentFor     = 24 * time.Hour // after which workers and producers are forgotten
	maintainLimit = 1000           // where a request names none
)

// keeper carries out one piece of housekeeping.
type keeper struct {
	*family
	req   *errand.MaintainRequest
	limit int
	reply errand.MaintainReply
}

// Maintain implements [errand.Engine]. It also delivers what a client has left in an outbox. A KeepFailed or MaxFailed of 0
// sets no bound.
func (s *Store) Maintain(ctx context.Context, req errand.MaintainRequest) (errand.MaintainReply, error) {
	c, err := s.begin(ctx, req.Now, "maintain")
	if err != nil {
		return errand.MaintainReply{}, err
	}
	defer c.done()
	k := &keeper{family: &family{Store: s, c: c}, req: &req, limit: req.Limit}
	if k.limit <= 0 {
		k.limit = maintainLimit
	}
	if err := k.maintain(); err != nil {
		return errand.MaintainReply{}, s.fail(c, err)
	}
	return k.reply, nil
}

func (k *keeper) maintain() error {
	names, err := k.queues()
	if err != nil {
		return err
	}
	for _, queue := range names {
		if err := k.recover(queue); err != nil {
			return err
		}
		if err := k.tend(queue); err != nil {
			return err
		}
	}
	for _, queue := range names {
		if err := k.purge(queue); err != nil {
			return err
		}
	}
	k.reply.More = k.reply.Recovered+k.reply.Poisoned >= k.limit || k.reply.Promoted >= k.limit || k.reply.Purged >= k.limit
	if err := k.purgeSeries(); err != nil {
		return err
	}
	if err := k.trimAudit(); err != nil {
		return err
	}
	return k.forget()
}

// recover takes jobs from workers whose lease has run out.
func (k *keeper) recover(queue string) error {
	for {
		limit := min(k.limit-k.reply.Recovered-k.reply.Poisoned, chunk)
		if limit <= 0 {
			return nil
		}
		result := k.runOn(k.c, recoverScript, queue, itoa(limit), itoa(k.req.MaxRecoveries))
		reply, err := result.ToArray()
		if err != nil {
			return err
		}
		recovered, err := reply[0].AsInt64()
		if err != nil {
			return err
		}
		poisoned, err := reply[1].AsInt64()
		if err != nil {
			return err
		}
		k.reply.Recovered += int(recovered)
		k.reply.Poisoned += int(poisoned)
		more := len(reply) > 2 && reply[2].IsArray()
		k.deliver(queue, result, 2)
		if !more && int(recovered+poisoned) < limit {
			return nil
		}
	}
}

// tend makes due jobs queued, and delivers what somebody has left in the outbox.
func (k *keeper) tend(queue string) error {
	for {
		limit := min(k.limit-k.reply.Promoted, chunk)
		reply, err := k.runOn(k.c, tendScript, queue, itoa(limit)).ToArray()
		if err != nil {
			return err
		}
		promoted, err := reply[0].AsInt64()
		if err != nil {
			return err
		}
		k.reply.Promoted += int(promoted)
		var pending [4][]string
		for i := range pending {
			if pending[i], err = reply[1+i].AsStrSlice(); err != nil {
				return err
			}
		}
		k.catchUp(queue, pending)
		if limit == 0 || int(promoted) < limit {
			return nil
		}
	}
}

// catchUp delivers the entries of the outbox, decides about unsure children, has children wait again and brings jobs to other queues. Each list has a
// hash's fields and values in turn.
func (k *keeper) catchUp(queue string, pending [4][]string) {
	for i := 0; i+1 < len(pending[0]); i += 2 {
		if entry, err := strconv.ParseInt(pending[0][i], 10, 64); err == nil {
			k.resume(queue, entry)
		}
	}
	for i := 0; i+1 < len(pending[1]); i += 2 {
		child := pending[1][i]
		number, force := strings.CutSuffix(pending[1][i+1], "f")
		gen, err := strconv.ParseInt(number, 10, 64)
		rec, recErr := k.record(queue, child)
		if err != nil || recErr != nil {
			continue
		}
		r := registration{queue: queue, key: child, gen: gen, force: force, order: k.order(queue, child)}
		var parents []string
		if rec != nil {
			parents = parentsOf(&rec.job.JobSpec, child)
		}
		k.attach(r, parents, nil)
	}
	for i := 0; i+1 < len(pending[2]); i += 2 {
		k.redefer(queue, pending[2][i])
	}
	for i := 0; i+1 < len(pending[3]); i += 2 {
		if number := pending[3][i]; number != "out" { // that one is for another store
			_ = k.transferAgain(queue, number) // the next piece of housekeeping goes on
		}
	}
}

// order returns a child's order among children.
func (k *keeper) order(queue, child string) int64 {
	raw, err := k.client.Do(k.c.ctx, k.client.B().Hget().Key(k.jobsKey(queue)+":family").Field(child).Build()).ToString()
	if err != nil {
		return 0
	}
	return (&reader{rest: raw}).int(7)
}

// purge deletes final jobs past their retention.
func (k *keeper) purge(queue string) error {
	now := time.UnixMicro(k.c.now)
	old := ""
	if k.req.KeepFailed > 0 {
		old = itoa(micros(micro(now.Add(-k.req.KeepFailed))))
	}
	for {
		limit := min(k.limit-k.reply.Purged, chunk)
		if limit <= 0 {
			return nil
		}
		purged, err := k.runOn(k.c, purgeScript, queue, itoa(limit), old, itoa(k.req.MaxFailed), itoa(silentSince(now))).AsInt64()
		if err != nil {
			return err
		}
		k.reply.Purged += int(purged)
		if int(purged) < limit {
			return nil
		}
	}
}

func silentSince(now time.Time) int64 { return micros(now.Add(-silentFor)) }

// forget drops what is known of workers, and of those who put messages, that have been silent.
func (k *keeper) forget() error {
	silent := itoa(silentSince(time.UnixMicro(k.c.now)))
	names, err := k.Store.names(k.c, k.messageQueuesKey())
	if err != nil {
		return err
	}
	calls := []invocation{{script: beatScript, key: k.workersKey(), args: []string{"", "", "", silent, ""}}}
	for _, name := range names {
		calls = append(calls, k.invokeKey(k.c, messagesScript, k.messagesKey(name), silent))
	}
	return firstError(k.runAll(k.c.ctx, calls...))
}
