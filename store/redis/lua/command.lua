-- Command does to jobs of a queue what a person wants. What follows from it is left to the client, in its order.
--
-- ARGV[4]  what: cancel, delete or requeue
-- ARGV[5]  and on: per job its id and, for a requeue, those of the jobs that it depends on
--
-- Returns {answers, follows}: a character per job, d done, s skipped, m missing; and per job what follows: nothing; the
-- entry of the outbox, see keep; or the generation and order of a requeued child, and whether it has children itself.
local what, answers, follows = ARGV[4], {}, {}

local function leave(j, reason, here)
	local stack = {}
	follow(stack, 'O', j, reason, here)
	return stack
end

local function cancel(j)
	if j.state >= FINISHED then return 's' end
	if j.state == STARTED then
		set(j, CANCEL)
		write(j)
		call('SADD', base .. ':cancels:' .. j.worker, j.id)
		call('PUBLISH', prefix .. ':w:' .. j.worker, '')
		return 'd', false
	end
	take(j)
	close(j, CANCELED)
	return 'd', keep(leave(j, 'c', true))
end

local function delete(j)
	if j.state == STARTED then return 's' end
	take(j)
	local stack = leave(j, 'd', false)
	drop(j)
	return 'd', keep(stack)
end

local function requeue(j, parents)
	if j.state ~= SCHEDULED and j.state < FINISHED then return 's' end
	if j.state >= FINISHED then
		if j.key and holder(j.key) then return 's' end
		hold(j)
	end
	take(j)
	reset(j)
	j.ready = now
	local redefer = 0
	if has(j, CHILDREN) then
		redefer = 1
		call('HSET', base .. ':redefer', j.id, '1')
	end
	if #parents == 0 then
		ready(j)
		return 'd', {0, 0, redefer}
	end
	local gen = call('HINCRBY', base, 'gen', 1)
	defer(j, gen, parents, 'f')
	return 'd', {gen, order(j.id), redefer}
end

for i = 5, #ARGV do
	local id = sub(ARGV[i], 1, 16)
	local j, answer, left = get(id), 'm', false
	if j then
		if what == 'cancel' then
			answer, left = cancel(j)
		elseif what == 'delete' then
			answer, left = delete(j)
		else
			local parents = {}
			for p = 17, #ARGV[i], 16 do parents[#parents + 1] = sub(ARGV[i], p, p + 15) end
			answer, left = requeue(j, parents)
		end
	end
	answers[#answers + 1] = answer
	follows[#follows + 1] = left or false
end
finish()
return {table.concat(answers), follows}
