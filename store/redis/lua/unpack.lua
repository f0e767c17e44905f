-- Unpack takes in the jobs of a parcel: all, once.
--
-- ARGV[4]  the mover's token
-- ARGV[5]  the number of the parcel
-- ARGV[6]  until when the mover is remembered
-- ARGV[7]  and on: per job what encodeCarried in carry.go makes of it
--
-- Returns {made, conflicts}: 1 when these are the queue's first jobs; and how many were failed because another job has
-- their unique key.
local mover, number = ARGV[4], tonumber(ARGV[5])
local known = call('HGET', base .. ':producers', mover)
if known and number <= unpack_('<I7', known) then return {0, 0} end
call('HSET', base .. ':producers', mover, pack('<I7I7', number, tonumber(ARGV[6])))
call('ZADD', base .. ':producers:seen', ARGV[6], mover)

local at
local function part(arg) -- a length of four bytes and as many bytes
	local n, p = unpack_('<I4', arg, at)
	at = p + n
	return sub(arg, p, p + n - 1)
end
local function parts(arg)
	local n, list = nil, {}
	n, at = unpack_('<I4', arg, at)
	for i = 1, n do list[i] = part(arg) end
	return list
end

local conflicts, enqueued = 0, 0
local seq = call('HINCRBY', base, 'seq', #ARGV - 6) - #ARGV + 6

-- keyed gives a job its unique key; false where another one has it.
local function keyed(j, ends)
	if ends < 0 or (ends > 0 and ends <= now) then return true end
	local entry = holder(j.key)
	if entry then
		note(j, 'K' .. pack('<I4I4I7', j.attempt, j.token, now) .. sub(entry, 1, 16))
		conflicts = conflicts + 1
		return false
	end
	call('HSET', base .. ':unique', j.key, j.id .. pack('<I7', ends) .. sub(j.static, 2, 1 + byte(j.static)))
	return true
end

for i = 7, #ARGV do
	local arg, ends, expires = ARGV[i], nil, nil
	ends, expires, at = unpack_('<I7I7', arg, 17)
	ends = ends - 1 -- 0: it does not have its key
	local j = load(sub(arg, 1, 16), part(arg))
	local family, progress, result = part(arg), part(arg), part(arg)
	local log, waiting, children = parts(arg), parts(arg), parts(arg)
	seq = seq + 1
	if not find(j.id) then
		apart(timeOf(j.id))
		j.seq = seq
		enqueued = enqueued + 1
		if #log > 0 then call('RPUSH', base .. ':log:' .. j.id, unpack(log)) end
		if progress ~= '' then call('HSET', base .. ':progress', j.id, progress) end
		if result ~= '' then call('HSET', base .. ':results', j.id, result) end
		if family ~= '' then call('HSET', base .. ':family', j.id, family) end
		batched('HSET', base .. ':kids:' .. j.id, children)
		if not keyed(j, ends) then
			close(j, FAILED)
		elseif j.state == DEFERRED and #waiting > 0 then
			defer(j, 0, waiting)
		elseif j.state <= QUEUED then
			if j.state == DEFERRED and j.ready < now then j.ready = now end
			ready(j)
		else
			put(j)
			if j.state == FINISHED then call('ZADD', base .. ':expiring', expires, member(j)) end
		end
	end
end
meter('enqueued', enqueued)
finish()
return {enqueued > 0 and call('HSETNX', base, 'used', '1') or 0, conflicts}
