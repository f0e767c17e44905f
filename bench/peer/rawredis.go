package peer

import (
	"context"
	"encoding/binary"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
)

// rawRedis keeps ids in a list, records in a hash and leases in a sorted set. One claimer is all that it is good for:
// reading the ids and taking them are two steps.
type rawRedis struct{ client rueidis.Client }

// ids are unique among all that use one server.
var (
	idStart = uint64(time.Now().UnixNano())
	idNext  atomic.Uint64
)

// newID returns 16 bytes that no other call returns.
func newID() string {
	var id [16]byte
	binary.BigEndian.PutUint64(id[:8], idStart)
	binary.BigEndian.PutUint64(id[8:], idNext.Add(1))
	return string(id[:])
}

func openRawRedis(_ context.Context, url string) (System, error) {
	opt, err := rueidis.ParseURL(url)
	if err != nil {
		return nil, err
	}
	opt.DisableCache, opt.ForceSingleClient, opt.PipelineMultiplex = true, true, -1
	client, err := rueidis.NewClient(opt)
	if err != nil {
		return nil, err
	}
	return &raw{rawStore: &rawRedis{client}, loops: 1}, nil
}

const rawQueued, rawJobs, rawLeases = "{raw}:queued", "{raw}:jobs", "{raw}:leases"

func (s *rawRedis) insert(ctx context.Context, ids []string, payloads [][]byte) error {
	b := s.client.B()
	records := b.Hset().Key(rawJobs).FieldValue()
	for i, id := range ids {
		records = records.FieldValue(id, string(payloads[i]))
	}
	return s.all(ctx, b.Multi().Build(), records.Build(), b.Rpush().Key(rawQueued).Element(ids...).Build(), b.Exec().Build())
}

// all sends commands in one pipeline.
func (s *rawRedis) all(ctx context.Context, commands ...rueidis.Completed) error {
	for _, reply := range s.client.DoMulti(ctx, commands...) {
		if err := reply.Error(); err != nil {
			return err
		}
	}
	return nil
}

func (s *rawRedis) claim(ctx context.Context, run func([]byte) error) (int, any, error) {
	b := s.client.B()
	ids, err := s.client.Do(ctx, b.Lrange().Key(rawQueued).Start(0).Stop(rawBatch-1).Build()).AsStrSlice()
	if err != nil || len(ids) == 0 {
		return 0, nil, err
	}
	until := float64(time.Now().Add(30 * time.Second).UnixMilli())
	leases := b.Zadd().Key(rawLeases).ScoreMember()
	for _, id := range ids {
		leases = leases.ScoreMember(until, id)
	}
	// The leases come first: a job is in the list, in the leases or in both.
	replies := s.client.DoMulti(ctx, leases.Build(), b.Ltrim().Key(rawQueued).Start(int64(len(ids))).Stop(-1).Build(),
		b.Hmget().Key(rawJobs).Field(ids...).Build())
	for _, reply := range replies[:2] {
		if err := reply.Error(); err != nil {
			return 0, nil, err
		}
	}
	payloads, err := replies[2].AsStrSlice()
	if err != nil {
		return 0, nil, err
	}
	for _, payload := range payloads {
		if err := run([]byte(payload)); err != nil {
			return 0, nil, err
		}
	}
	return len(ids), ids, nil
}

func (s *rawRedis) remove(ctx context.Context, ids any) error {
	b, fields := s.client.B(), ids.([]string)
	return s.all(ctx, b.Multi().Build(), b.Hdel().Key(rawJobs).Field(fields...).Build(),
		b.Zrem().Key(rawLeases).Member(fields...).Build(), b.Exec().Build())
}

func (s *rawRedis) left(ctx context.Context) (int, error) {
	n, err := s.client.Do(ctx, s.client.B().Hlen().Key(rawJobs).Build()).AsInt64()
	return int(n), err
}

func (s *rawRedis) close() error {
	s.client.Close()
	return nil
}

// RedisText returns a field of the server's INFO, such as redis_version.
func RedisText(ctx context.Context, url, field string) (string, error) {
	opt, err := rueidis.ParseURL(url)
	if err != nil {
		return "", err
	}
	opt.DisableCache, opt.ForceSingleClient = true, true
	client, err := rueidis.NewClient(opt)
	if err != nil {
		return "", err
	}
	defer client.Close()
	info, err := client.Do(ctx, client.B().Info().Section("everything").Build()).ToString()
	return lineOf(info, field), err
}

// RedisNumber is RedisText for a field that is a number, such as used_memory.
func RedisNumber(ctx context.Context, url, field string) (int64, error) {
	value, err := RedisText(ctx, url, field)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(value, 10, 64)
}
