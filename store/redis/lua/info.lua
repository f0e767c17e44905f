-- Info describes a queue.
--
-- Returns {used, paused, enqueued, finished, failed, oldest, counts...}: meters as meter keeps them, the time since when
-- the oldest job is ready, empty for none, and the number of jobs of each state.
local reply = call('HMGET', base, 'used', 'paused', 'enqueued', 'finished', 'failed')
local oldest, queued = nil, 0
for prio = 0, 9 do
	local key = base .. ':queued:' .. prio
	local first = call('ZRANGE', key, 0, 0, 'WITHSCORES')[2]
	if first then
		queued = queued + call('ZCARD', key)
		if not oldest or tonumber(first) < tonumber(oldest) then oldest = first end
	end
end
reply[6] = oldest or ''
for state = 1, 7 do
	reply[6 + state] = state == 3 and queued or call('ZCARD', base .. ':' .. NAMES[state])
end
return reply
