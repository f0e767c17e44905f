-- Info describes a queue.
--
-- Returns {used, paused, enqueued, finished, failed, oldest, counts...}: meters as meter keeps them, the time since when
-- the oldest job is ready, empty for none, and the number of jobs of each state.
local reply = call('HMGET', base, 'used', 'paused', 'enqueued', 'finished', 'failed')
local oldest, queued = nil, 0
for prio = 0, 9 do
	local first
	for _, set in ipairs(setsOf(prio)) do
		first = first or call('ZRANGE', set, 0, 0, 'WITHSCORES')[2]
		queued = queued + call('ZCARD', set)
	end
	if first and (not oldest or tonumber(first) < tonumber(oldest)) then oldest = first end
end
reply[6] = oldest or ''
for state = 1, 7 do
	reply[6 + state] = state == 3 and queued or call('ZCARD', base .. ':' .. NAMES[state])
end
return reply
