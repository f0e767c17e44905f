-- Enqueue adds groups of jobs to a queue: each whole, or not at all. Where all are plain, add does it.
--
-- ARGV[4]  the producer, empty for none
-- ARGV[5]  the number of its request
-- ARGV[6]  the order of the first job among children; each job that has parents takes the next
-- ARGV[7]  per group: the number of its jobs, each a byte pair
-- ARGV[8]  how many jobs are a span
-- ARGV[9]  and on: per job its id and new record, without place and times: see encodeNew in encode.go
--
-- Returns {replies, made, generations}: per group "" or the entry of who has the unique key; 1 when this is the queue's
-- first job; and per job that has parents in other queues its place among the arguments, its generation and its order.
local replies, noted = {}, nil
local producer, number = ARGV[4], tonumber(ARGV[5])
if producer ~= '' then
	local again, _
	again, _, noted = repeated(base .. ':producers', producer, number)
	if again then
		local raw = call('HGET', base .. ':replies', producer)
		if raw then
			local kept = cmsgpack.unpack(raw)
			if kept[1] == number then replies = kept[2] end
		end
		return {replies, 0, {}}
	end
end

local NEW = '<BBI7I2I7I2' -- flags, priority, run at, length of the unique key, window, number of parents
local seq, meterBefore, used, dense = unpack(call('HMGET', base, 'seq', 'enqueued', 'used', 'dense'))
seq, dense = tonumber(seq or 0), tonumber(dense or -1)
local nextOrder, generations, enqueued, stack = tonumber(ARGV[6]), {}, 0, {}

local function parse(arg)
	local flags, prio, at, keylen, window, parents, p = unpack_(NEW, arg, 17)
	local j = {id = sub(arg, 1, 16), flags = flags, prio = prio, settled = 0, token = 0, attempt = 0, recoveries = 0,
		started = 0, rank = 0, unknown = 0, claim = 0, worker = '', ready = at > now and at or now}
	if band(flags, UNIQUE) ~= 0 then
		j.window, j.key = window, sub(arg, p, p + keylen - 1)
		p = p + keylen
	end
	j.parents = {}
	for i = 1, parents do
		-- a parent's id, and what is known of it in other queues: L it lives, f it failed, c it was canceled, - nothing
		j.parents[i] = {sub(arg, p, p + 15), sub(arg, p + 16, p + 16)}
		p = p + 17
	end
	j.static = sub(arg, p)
	return j
end

-- register has a parent of this queue know its child.
local function register(parent, j)
	if not has(parent, CHILDREN) then
		set(parent, CHILDREN)
		write(parent)
	end
	call('HSET', base .. ':kids:' .. parent.id, j.id, pack('<I7I7', j.order, j.gen) .. own)
end

-- addChild takes in a job that depends on others.
local function addChild(j, place)
	j.order, nextOrder = nextOrder, nextOrder + 1
	j.gen = call('HINCRBY', base, 'gen', 1)
	call('HSET', base .. ':family', j.id, pack('<I7', j.order))
	local living, failedBy, reason, foreign = {}, nil, nil, false
	for _, known in ipairs(j.parents) do
		local id, state = known[1], known[2]
		local parent = id ~= j.id and get(id)
		if parent then
			state = '-'
			if parent.state < FINISHED then state = 'L' end
			if parent.state == FAILED then state = 'f' elseif parent.state == CANCELED then state = 'c' end
		elseif state ~= '-' then
			foreign = true
		end
		if state == 'L' then
			living[#living + 1] = id
			living[#living + 1] = tostring(j.gen)
			if parent then register(parent, j) end
		elseif state ~= '-' and not failedBy then
			failedBy, reason = id, state
			if parent then register(parent, j) end
		end
	end
	if failedBy then
		free(j)
		orphan(stack, j, failedBy, j.gen, reason, 1)
	elseif #living > 0 then
		hold(j)
		if foreign then
			living[#living + 1] = '!'
			living[#living + 1] = tostring(j.gen)
			call('HSET', base .. ':unsure', j.id, j.gen)
		end
		batched('HSET', base .. ':waits:' .. j.id, living)
		j.state = DEFERRED
		put(j)
	else
		hold(j)
		ready(j)
	end
	if foreign then
		generations[#generations + 1] = {place, j.gen, j.order}
	end
end

local records, queued, scheduled, latest, priorities = {}, {}, {}, 0, {}
local function add(j, place)
	seq = seq + 1
	j.seq = seq
	enqueued = enqueued + 1
	latest = math.max(latest, timeOf(j.id))
	if #j.parents > 0 then return addChild(j, place) end
	hold(j)
	j.state, wake = QUEUED, true
	local list
	if j.ready > now then
		j.state = SCHEDULED
		list = scheduled
	else
		list = queued[j.prio]
		if not list then
			list = {}
			queued[j.prio] = list
		end
	end
	list[#list + 1] = j.ready
	list[#list + 1] = member(j)
	records[#records + 1] = j.id
	records[#records + 1] = dump(j)
end

-- flush writes what add has gathered.
local function flush()
	for prio, list in pairs(queued) do
		batched('ZADD', setOf(prio, now), list)
		priorities[prio] = true
	end
	batched('ZADD', base .. ':scheduled', scheduled)
	batched('HSET', jobs, records)
	records, queued, scheduled = {}, {}, {}
end

local at, refused, known, ids = 9, false, {}, {}
if #ARGV >= 9 then
	for i = 9, #ARGV do ids[#ids + 1] = sub(ARGV[i], 1, 16) end
	local raws = call('HMGET', jobs, unpack(ids))
	for i, id in ipairs(ids) do known[id] = (raws[i] or timeOf(id) <= dense and find(id)) and true end
end
-- check returns the jobs of a group that are new, or the entry of who has a unique key of one.
local function check(from, to)
	local fresh, keys, own, children = {}, {}, {}, false
	for i = from, to do
		local j = parse(ARGV[i])
		if not known[j.id] and not own[j.id] then
			if j.key then
				local entry = holder(j.key) or keys[j.key]
				if entry then return nil, entry end
				keys[j.key] = j.id .. pack('<I7', 0) .. sub(j.static, 2, 1 + byte(j.static))
			end
			own[j.id] = true
			fresh[#fresh + 1] = j
			j.argument = i - 9
			children = children or #j.parents > 0
		end
	end
	return fresh, '', children
end

for g = 1, #ARGV[7] / 2 do
	local size = unpack_('<I2', ARGV[7], 2 * g - 1)
	local fresh, entry, children = check(at, at + size - 1)
	for _, j in ipairs(fresh or {}) do
		known[j.id] = true
		if children then flush() end -- a parent may be in the same group
		add(j, j.argument)
	end
	replies[g] = entry
	refused = refused or entry ~= ''
	at = at + size
end
flush()
if refused and producer ~= '' then -- a reply other than success is kept for a repetition, and a byte more tells that it is
	call('HSET', base .. ':replies', producer, cmsgpack.pack({number, replies}))
	call('HSET', base .. ':producers', producer, call('HGET', base .. ':producers', producer) .. '\1')
elseif noted and #noted > 14 then
	call('HDEL', base .. ':replies', producer)
end
local made = 0
if enqueued > 0 then
	made = used and 0 or 1
	local span = tonumber(ARGV[8])
	if seq % span < enqueued then
		for prio in pairs(priorities) do divide(prio, setOf(prio, now), span) end
	end
	apart(latest)
	call('HSET', base, 'seq', seq, 'used', '1', 'enqueued', metered(meterBefore, enqueued))
end
finish()
return {replies, made, generations}
