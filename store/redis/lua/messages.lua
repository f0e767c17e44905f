-- Messages describes a message queue, and forgets producers that were silent for long.
--
-- ARGV[4]  who was not heard of since then is forgotten; empty: nobody
--
-- Returns {used, put, got, length}: meters as meter keeps them.
if ARGV[4] ~= '' then
	local key = base .. ':producers'
	local silent = call('ZRANGEBYSCORE', key .. ':seen', '-inf', '(' .. ARGV[4], 'LIMIT', 0, 100)
	if #silent > 0 then
		call('HDEL', key, unpack(silent))
		call('ZREM', key .. ':seen', unpack(silent))
	end
end
local reply = call('HMGET', base, 'used', 'put', 'got')
reply[4] = call('LLEN', base .. ':list')
return reply
