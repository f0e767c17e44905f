-- Heartbeat keeps a worker's record, or removes it, and forgets workers that were silent for long.
--
-- KEYS[1]  the hash of the workers' records
-- ARGV[1]  the worker; empty: none, only forget
-- ARGV[2]  its record; empty: remove it
-- ARGV[3]  when it was seen
-- ARGV[4]  who was not seen since then is forgotten; empty: nobody
-- ARGV[5]  its tasks' schemas; empty: they stay as they are
local workers = KEYS[1]
local seen = workers .. ':seen'
redis.call('DEL', workers .. ':nothing') -- as in full.lua
local function forget(list)
	redis.call('HDEL', workers, unpack(list))
	redis.call('HDEL', workers .. ':schemas', unpack(list))
	redis.call('HDEL', workers .. ':orders', unpack(list))
	redis.call('ZREM', seen, unpack(list))
end
if ARGV[1] ~= '' and ARGV[2] ~= '' then
	redis.call('HSET', workers, ARGV[1], ARGV[2])
	redis.call('ZADD', seen, ARGV[3], ARGV[1])
	if ARGV[5] ~= '' then redis.call('HSET', workers .. ':schemas', ARGV[1], ARGV[5]) end
elseif ARGV[1] ~= '' then
	forget({ARGV[1]})
end
if ARGV[4] ~= '' then
	local silent = redis.call('ZRANGEBYSCORE', seen, '-inf', '(' .. ARGV[4], 'LIMIT', 0, 100)
	if #silent > 0 then forget(silent) end
end
return 1
