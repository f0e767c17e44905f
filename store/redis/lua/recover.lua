-- Recover takes jobs from workers whose lease has run out.
--
-- ARGV[4]  how many at most
-- ARGV[5]  how often a job may lose its worker
--
-- Returns {recovered, poisoned, left}: see keep. Where something is left there may be more to recover.
local recovered, poisoned, left = 0, 0, false
local most = tonumber(ARGV[5])
for _, m in ipairs(call('ZRANGEBYSCORE', base .. ':started', '-inf', '(' .. ARGV[3], 'LIMIT', 0, ARGV[4])) do
	local id = sub(m, 7)
	local raw, home = find(id)
	local j = load(id, raw, home)
	if not j then
		call('ZREM', base .. ':started', m)
		mend(id, m, raw, home)
	else
		local stack = {}
		stop(j)
		j.recoveries = j.recoveries + 1
		local bad = j.recoveries > most and not has(j, CANCEL)
		note(j, (bad and 'P' or 'L') .. pack('<I4I4I7I7I2', j.attempt, j.token, j.started, now, j.recoveries) .. j.worker)
		if bad then
			poisoned = poisoned + 1
			close(j, FAILED)
			follow(stack, 'O', j, 'f', true)
		else
			recovered = recovered + 1
			j.attempt = j.attempt - 1
			again(stack, j, j.ready)
		end
		left = work(stack)
		if left then break end
	end
end
finish()
return {recovered, poisoned, left}
