-- What becomes of jobs, and of those that depend on them. Scripts that include this end with finish().

local wake, gone, finished, failed = false, {}, 0, 0
local BUDGET = 500 -- jobs that one script touches for what follows from others

local function zkey(j)
	if j.state == QUEUED then return setOf(j.prio, j.ready) end
	return base .. ':' .. NAMES[j.state]
end

local function member(j) return pack('>I6', j.seq) .. j.id end

local function take(j)
	call('ZREM', zkey(j), member(j))
	if j.state == FINISHED then call('ZREM', base .. ':expiring', member(j)) end
end

-- put enters a job, which was taken, under its state.
local function put(j)
	local score = j.rank
	if j.state <= QUEUED then score = j.ready end
	call('ZADD', zkey(j), score, member(j))
	write(j)
end

local function ready(j)
	j.state = QUEUED
	if j.ready > now then j.state = SCHEDULED end
	put(j)
	wake = true
end

local function note(j, record)
	local key = base .. ':log:' .. j.id
	if call('RPUSH', key, record) > 50 then -- the first stays, the oldest of the others goes
		local first = call('LPOP', key)
		call('LPOP', key)
		call('LPUSH', key, first)
	end
	set(j, HISTORY)
end

-- holder returns the entry of who has a unique key now: id, until when, task.
local function holder(key)
	local entry = call('HGET', base .. ':unique', key)
	if not entry then return nil end
	local ends = unpack_('<I7', entry, 17)
	if ends > 0 and now >= ends then return nil end
	return entry
end

local function hold(j)
	if not j.key then return end
	local ends = 0
	if j.window > 0 then ends = now + j.window end
	call('HSET', base .. ':unique', j.key, j.id .. pack('<I7', ends) .. sub(j.static, 2, 1 + byte(j.static)))
end

local function free(j)
	if not j.key then return end
	local entry = call('HGET', base .. ':unique', j.key)
	if entry and sub(entry, 1, 16) == j.id then call('HDEL', base .. ':unique', j.key) end
end

-- close makes a job, which was taken, final. Its children are the caller's.
local function close(j, state)
	free(j)
	if has(j, PARENTS) then call('DEL', base .. ':waits:' .. j.id) end
	j.state, j.rank = state, now
	if state == FINISHED then finished = finished + 1 elseif state == FAILED then failed = failed + 1 end
	put(j)
	gone[#gone + 1] = j.id
end

-- drop removes a job, which was taken. Its children are the caller's.
local function drop(j)
	free(j)
	call('HDEL', j.home or jobs, j.id)
	if has(j, HISTORY) then call('DEL', base .. ':log:' .. j.id) end
	if has(j, PROGRESS) then call('HDEL', base .. ':progress', j.id) end
	if has(j, RESULT) then call('HDEL', base .. ':results', j.id) end
	if has(j, CHILDREN) then call('DEL', base .. ':kids:' .. j.id) end
	if has(j, PARENTS) then
		call('DEL', base .. ':waits:' .. j.id)
		call('HDEL', base .. ':family', j.id)
	end
	gone[#gone + 1] = j.id
end

-- stop takes a started job from its worker.
local function stop(j)
	take(j)
	j.rank = 0
	if has(j, CANCEL) then call('SREM', base .. ':cancels:' .. j.worker, j.id) end
end

-- kids lists those who wait for a job, in the order in which they came: {queue, id, generation}.
local function kids(id)
	local flat, list = call('HGETALL', base .. ':kids:' .. id), {}
	for i = 1, #flat, 2 do
		local order, gen, p = unpack_('<I7I7', flat[i + 1])
		list[#list + 1] = {sub(flat[i + 1], p), flat[i], gen, order}
	end
	table.sort(list, function(a, b) return a[4] < b[4] end)
	return list
end

-- follow puts on the stack what follows for the children of a job: kind F, it has finished, or O, it will not.
-- here says whether the job stays in the store.
local function follow(stack, kind, j, reason, here)
	if not has(j, CHILDREN) then return end
	local list = kids(j.id)
	for i = #list, 1, -1 do
		stack[#stack + 1] = {kind, list[i][1], list[i][2], j.id, list[i][3], reason, here and 1 or 0}
	end
	if kind == 'F' then call('DEL', base .. ':kids:' .. j.id) end
end

-- family keeps of a child its order among children, and because of whom it failed: the job's id and the generation
-- of the registration there.
local function order(id)
	local raw = call('HGET', base .. ':family', id)
	if raw then return (unpack_('<I7', raw)) end
	return 0
end

local function blame(j, parent, gen)
	local raw = pack('<I7', order(j.id))
	if parent then raw = raw .. parent .. pack('<I7', gen) end
	call('HSET', base .. ':family', j.id, raw)
end

-- orphan fails a job, which was taken, because of one that it depends on.
local function orphan(stack, j, parent, gen, reason, here)
	if here == 1 then blame(j, parent, gen) end
	note(j, 'O' .. pack('<I4I4I7', j.attempt, j.token, now) .. parent .. reason)
	close(j, FAILED)
	follow(stack, 'O', j, 'f', true)
end

-- again has a job, which was stopped, run once more, unless somebody has asked to cancel it.
local function again(stack, j, at)
	if has(j, CANCEL) then
		unset(j, CANCEL)
		close(j, CANCELED)
		return follow(stack, 'O', j, 'c', true)
	end
	j.ready = at
	ready(j)
end

-- reset makes a job as if it had not run, but for its history and its token.
local function reset(j)
	unset(j, CANCEL)
	if has(j, RESULT) then
		call('HDEL', base .. ':results', j.id)
		unset(j, RESULT)
	end
	j.rank, j.unknown, j.attempt, j.recoveries = 0, 0, 0, 0
	if has(j, PARENTS) then blame(j) end
end

-- waits says whether a job still waits for that parent, by that registration.
local function waits(id, parent, gen)
	return call('HGET', base .. ':waits:' .. id, parent) == tostring(gen)
end

local function fulfil(id, parent, gen)
	if not waits(id, parent, gen) then return end
	local key = base .. ':waits:' .. id
	call('HDEL', key, parent)
	local j = get(id)
	if not j or j.state ~= DEFERRED or call('EXISTS', key) == 1 then return end
	take(j)
	if j.ready < now then j.ready = now end
	ready(j)
end

local function run(stack, item)
	local kind, id, parent, gen = item[1], item[3], item[4], item[5]
	if kind == 'F' then return fulfil(id, parent, gen) end
	local j = get(id)
	if j and j.state == DEFERRED and waits(id, parent, gen) then
		take(j)
		orphan(stack, j, parent, gen, item[6], item[7])
	end
end

-- keep puts what is left of a stack in the outbox, and returns what the client is to do: the entry, the step in it and
-- the item on top, which may be for another queue.
local function keep(stack)
	if #stack == 0 then return false end
	local entry = call('HINCRBY', base, 'entries', 1)
	call('HSET', base .. ':outbox', entry, cmsgpack.pack({1, stack}))
	local item = stack[#stack]
	return {entry, 1, unpack(item)}
end

-- work does what is on the stack, depth first, until the next is for another queue or this script has done enough.
local own = sub(base, #prefix + 5, -2) -- {prefix:q:NAME}
local function work(stack)
	for _ = 1, BUDGET do
		local item = stack[#stack]
		if not item or item[2] ~= own then break end
		stack[#stack] = nil
		run(stack, item)
	end
	return keep(stack)
end

-- finish counts, and wakes those whom it concerns.
local function finish()
	meter('finished', finished)
	meter('failed', failed)
	if wake then call(pub, base .. ':wake', '') end
	if #gone > 0 then call('PUBLISH', prefix .. ':gone', table.concat(gone)) end
end

-- defer has a job, which is in no state, wait for parents in this and other queues, until the client has asked each.
-- force is "f" where parents that have failed count as fulfilled.
local function defer(j, gen, parents, force)
	local list = {'!', tostring(gen)}
	for _, parent in ipairs(parents) do
		list[#list + 1] = parent
		list[#list + 1] = tostring(gen)
	end
	call('DEL', base .. ':waits:' .. j.id)
	batched('HSET', base .. ':waits:' .. j.id, list)
	call('HSET', base .. ':unsure', j.id, gen .. (force or ''))
	j.state = DEFERRED
	put(j)
end
