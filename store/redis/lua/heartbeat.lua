-- Heartbeat keeps a worker's record, or removes it, and forgets workers that were silent for long.
--
-- KEYS[1]  the hash of the workers' records
-- ARGV[1]  the worker; empty: none, only forget
-- ARGV[2]  its record; empty: remove it
-- ARGV[3]  when it was seen
-- ARGV[4]  who was not seen since then is forgotten; empty: nobody
local seen = KEYS[1] .. ':seen'
redis.call('DEL', KEYS[1] .. ':nothing') -- as in full.lua
if ARGV[1] ~= '' and ARGV[2] ~= '' then
	redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
	redis.call('ZADD', seen, ARGV[3], ARGV[1])
elseif ARGV[1] ~= '' then
	redis.call('HDEL', KEYS[1], ARGV[1])
	redis.call('ZREM', seen, ARGV[1])
end
if ARGV[4] ~= '' then
	local silent = redis.call('ZRANGEBYSCORE', seen, '-inf', '(' .. ARGV[4], 'LIMIT', 0, 100)
	if #silent > 0 then
		redis.call('HDEL', KEYS[1], unpack(silent))
		redis.call('ZREM', seen, unpack(silent))
	end
end
return 1
