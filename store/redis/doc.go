// Package redis keeps jobs in Redis: one server, a Sentinel's, or a cluster.
//
//	st, err := redis.Open(ctx, "redis://localhost:6379")
//	if err != nil { ... }
//	defer st.Close()
//	q := errand.NewQueue(st, "math")
//
// It needs Redis 6.2 or later, or Valkey. Every step of a job is one Lua script, on one queue; the scripts are in the
// folder lua, each headed by what it takes and returns.
//
// # What survives
//
// A killed worker or client loses nothing. What a killed server loses is for its settings to say: with appendonly yes and
// appendfsync always nothing that was acknowledged; with everysec, what it was told in about the last second; without
// either AOF or RDB, everything, of which Open warns. A failover to a replica loses what the replica had not got yet.
// After such a loss a job may run again; none runs twice at once.
// docs/durability.md has what was measured.
//
// Jobs never expire by themselves, and Open refuses a server whose maxmemory-policy is not noeviction.
//
// # Keys
//
// All keys of a queue have the same hash tag, so that they are on one node of a cluster. PREFIX is errand unless [Prefix]
// says otherwise, and Q is {PREFIX:q:NAME}.
//
//	Q                      hash: counters, meters, whether the queue is paused
//	Q:jobs                 hash: the jobs' records by id, see lua/common.lua
//	Q:jobs:TIME            hash: records of jobs that came with many others, by the first five bytes of their ids, see lua/core.lua
//	Q:queued:0 to :9       sorted sets, one a priority: by the time since when jobs are ready, then by arrival
//	Q:queued:0:TIME        sorted sets: those that are ready since then, of a long queue; Q:spans:0 lists them, see lua/spans.lua
//	Q:scheduled :deferred  sorted sets by time
//	Q:started              sorted set by the end of the lease
//	Q:claims               sorted set by the end of the lease: who has claimed jobs whose records are as they were before
//	Q:finished :failed :canceled   sorted sets by the time at which jobs became so
//	Q:expiring             sorted set: finished jobs by the time until which they are kept
//	Q:unique               hash: who has a unique key, and until when
//	Q:log:ID               list: the history of a job that has one
//	Q:progress :results    hashes by job id
//	Q:kids:ID :waits:ID    hashes: who depends on a job, and on whom a deferred job waits
//	Q:family               hash: of jobs that depend on others, their order and because of whom they failed
//	Q:outbox :unsure :redefer      hashes: what is still to be done in other queues
//	Q:parcels              hash: jobs on their way to another queue or store
//	Q:claimers :producers  hashes: the last number of each worker and producer, with :seen beside them; Q:replies
//	Q:cancels:WORKER       set: jobs that the worker is to cancel
//
//	{PREFIX:m:NAME}        hash: meters of a message queue; with :list, :out, :producers and :producers:seen
//	{PREFIX}:queues :messages      sets: the names of the queues
//	{PREFIX}:workers       hash: what workers say of themselves; with :seen, :schemas and :orders
//	{PREFIX}:series:STEP   sorted set: the slots that time series of that step have; with :AT for each, a hash by what it is,
//	                       queue and task
//	{PREFIX}:series:writers        hash: the last number of each who writes them; with :seen
//	{PREFIX}:audit         sorted set: the order of the audit log; with :entries, a hash by id
//	{PREFIX}:identity      hash: the name that the store gave itself
//	{PREFIX}:order         counter: children in the order in which they came
//
// The channel Q:wake tells that a job is ready, {PREFIX:m:NAME}:wake that a message is; they are sharded in a cluster of
// Redis 7 or later. PREFIX:gone tells which jobs have become final, PREFIX:w:WORKER that a worker has orders.
//
// # Permissions
//
// A user with these, and no others, will do:
//
//	ACL SETUSER errand on >PASSWORD ~{errand:* ~{errand}:* &{errand:* &errand:* -@all +hello +auth +ping +info +select
//	  +client|setname +cluster|slots +cluster|shards +evalsha +eval +time +exists +del +unlink
//	  +hset +hsetnx +hget +hmget +hgetall +hkeys +hvals +hdel +hexists +hincrby +hscan +incr +incrby
//	  +zadd +zrem +zscore +zrange +zrangebyscore +zremrangebyrank +zcard +zcount +sadd +srem +smembers
//	  +rpush +lpush +lpop +lrange +llen +publish +spublish +subscribe +unsubscribe +ssubscribe +sunsubscribe
package redis
