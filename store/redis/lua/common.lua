-- What scripts that know records have beside core.
--
-- A claim of many jobs leaves the records of those that nobody has claimed yet as they were, since writing them anew would
-- be a third of its work. That such a job is started is told by its member in the set of started jobs; its score names
-- the claim, which is in the set of claims at that score.
--
-- A job's record is a header, then, where it has been claimed or has ended, what is known of its run, then its unique
-- key, where it has one, then its static part: a byte and the task's name, and what only the client reads.
local band, bor, bnot = bit.band, bit.bor, bit.bnot

local UNIQUE, PARENTS, CHILDREN, CANCEL, HISTORY, PROGRESS, RESULT, RUN = 1, 2, 4, 8, 16, 32, 64, 128
local NAMES = {'scheduled', 'deferred', 'queued', 'started', 'finished', 'failed', 'canceled'}

local HEADER = '<BBBBB>I6<I7I4I4I2' -- version, flags, state, priority, settled, arrival, ready, token, attempt, recoveries
local HEADERLEN = 28
local RUNPART = '<I7I7I7I6B' -- started, lease or end, unknown since, claim, length of the worker's name
local RUNLEN = 28

-- readable says whether a record is one: what is not was not written by us, and must stop nobody.
local function readable(raw)
	return #raw > HEADERLEN and byte(raw, 1) == 1 and byte(raw, 3) >= 1 and byte(raw, 3) <= 7 and byte(raw, 4) <= 9
end

-- FRESH and UNTOUCHED begin the record, and are its token, attempt and recoveries, of a job that is queued, that nobody
-- has claimed yet and of which nothing else is known: such that a claim may leave its record as it is.
local FRESH, UNTOUCHED = '\1\0\3', string.rep('\0', 10)
local function fresh(raw) return sub(raw, 1, 3) == FRESH and sub(raw, 19, 28) == UNTOUCHED end

-- find returns a job's record, and the hash that it is in.
local function find(id)
	local raw = call('HGET', jobs, id)
	if raw then return raw, jobs end
	local slice = sliceOf(id)
	return call('HGET', slice, id), slice
end

-- fetch returns the records of jobs and the hash that most of them are in; and by place the hashes that the others are in.
local function fetch(ids)
	local n, others, looks = #ids, {}, 0
	local home, other = sliceOf(ids[1]), jobs
	if n < 16 then home, other = other, home end
	local raws = call('HMGET', home, unpack(ids))
	if not raws[1] then
		raws, home = call('HMGET', other, unpack(ids)), other
	end
	for i = 1, n do
		if not raws[i] then
			raws[i], others[i] = find(ids[i])
			if raws[i] and looks < 4 then -- those that follow may be there too
				looks = looks + 1
				local more = call('HMGET', others[i], unpack(ids, i, n))
				for k = i + 1, n do
					if more[k - i + 1] then raws[k], others[k] = more[k - i + 1], others[i] end
				end
			end
		end
	end
	return raws, home, others
end

-- apart notes that there are records in :jobs of ids of up to that time.
local function apart(time)
	if time > tonumber(call('HGET', base, 'apart') or -1) then call('HSET', base, 'apart', time) end
end

-- lent completes a fresh job that a claim has taken.
local function lent(j)
	local lease = call('ZSCORE', base .. ':started', pack('>I6', j.seq) .. j.id)
	if not lease then return end
	j.state, j.token, j.attempt, j.rank = STARTED, 1, 1, tonumber(lease)
	local claim, p = call('ZRANGEBYSCORE', base .. ':claims', lease, lease, 'LIMIT', 0, 1)[1], nil
	if claim then
		j.started, j.claim, p = unpack_('<I7I6', claim)
		j.worker = sub(claim, p)
	end
end

-- load reads a record, which is in that hash; nil where there is none.
local function load(id, raw, home)
	if not raw or not readable(raw) then return nil end
	local j, p, _ = {id = id, home = home}, nil, nil
	_, j.flags, j.state, j.prio, j.settled, j.seq, j.ready, j.token, j.attempt, j.recoveries, p = unpack_(HEADER, raw)
	j.started, j.rank, j.unknown, j.claim, j.worker = 0, 0, 0, 0, ''
	if band(j.flags, RUN) ~= 0 then
		local n
		j.started, j.rank, j.unknown, j.claim, n, p = unpack_(RUNPART, raw, p)
		j.worker = sub(raw, p, p + n - 1)
		p = p + n
	end
	if band(j.flags, UNIQUE) ~= 0 then
		local n
		n, j.window, p = unpack_('<I2I7', raw, p)
		j.key = sub(raw, p, p + n - 1)
		p = p + n
	end
	j.static = sub(raw, p)
	if fresh(raw) then lent(j) end
	return j
end

local function get(id) return load(id, find(id)) end

-- dump is the reverse of load.
local function dump(j)
	local run, key = '', ''
	if j.started ~= 0 or j.rank ~= 0 or j.unknown ~= 0 or j.worker ~= '' then
		j.flags = bor(j.flags, RUN)
		run = pack(RUNPART, j.started, j.rank, j.unknown, j.claim, #j.worker) .. j.worker
	else
		j.flags = band(j.flags, bnot(RUN))
	end
	if j.key then key = pack('<I2I7', #j.key, j.window) .. j.key end
	return pack(HEADER, 1, j.flags, j.state, j.prio, j.settled, j.seq, j.ready, j.token, j.attempt, j.recoveries) ..
		run .. key .. j.static
end

local function write(j) call('HSET', j.home or jobs, j.id, dump(j)) end

-- whole is a record as it would be if its claim had written it.
local function whole(id, raw)
	local j = fresh(raw) and load(id, raw)
	if j and j.state == STARTED then return dump(j) end
	return raw
end

local function has(j, flag) return band(j.flags, flag) ~= 0 end
local function set(j, flag) j.flags = bor(j.flags, flag) end
local function unset(j, flag) j.flags = band(j.flags, bnot(flag)) end

-- show is a record as the client wants it: alone, or with what is kept beside it.
local function show(id, raw)
	local flags = byte(raw, 2) or 0
	if band(flags, HISTORY + PROGRESS + RESULT) == 0 or not readable(raw) then return id .. raw end
	local progress, result, log = '', '', {}
	if band(flags, PROGRESS) ~= 0 then progress = call('HGET', base .. ':progress', id) or '' end
	if band(flags, RESULT) ~= 0 then result = call('HGET', base .. ':results', id) or '' end
	if band(flags, HISTORY) ~= 0 then log = call('LRANGE', base .. ':log:' .. id, 0, -1) end
	return {id .. raw, progress, result, log}
end
