-- Claim takes queued jobs for a worker.
--
-- ARGV[4]  the worker
-- ARGV[5]  the number of its claim
-- ARGV[6]  how many jobs at most
-- ARGV[7]  until when they are leased
-- ARGV[8]  from how many recoveries on a job is a suspect
-- ARGV[9]  1: one suspect may be taken
-- ARGV[10] whose numbers these are: the worker, or one of its lanes
-- ARGV[11] how many jobs are many: their records are left as they are
-- ARGV[12] by how much the numbers of a worker's claims differ, except those of a claim's parts
--
-- Returns {what, due, ids, records, ...}: what is "claimed"; "again" when due jobs are still to be made queued first;
-- "repeated" when this claim was carried out before. due is when the next scheduled job is due, empty for none. Ids are
-- 16 bytes each in a row, or a list. Records are a list of as many: a record as it was before this claim, which the client
-- knows how to carry on; or what show has of it and of what is beside it; or nothing, where a job was passed over. Suspects
-- are counted by the client.
local worker, number, limit, lease = ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local suspect, lastChance, MANY, PARTS = tonumber(ARGV[8]), ARGV[9] == '1', tonumber(ARGV[11]), tonumber(ARGV[12])

if promote(500) == 500 then
	finish()
	return {'again', ''}
end
local due = call('ZRANGE', base .. ':scheduled', 0, 0, 'WITHSCORES')[2] or ''
if repeated(base .. ':claimers', ARGV[10], number) then
	finish()
	return {'repeated', due}
end
local reply = {'claimed', due}
local paused, spans = unpack(call('HMGET', base, 'paused', 'spans'))
if limit == 0 or paused then
	finish()
	return reply
end

divided = tonumber(spans or 0) > 0
local taken, scanned, BESIDE = 0, 0, HISTORY + PROGRESS + RESULT
local leases, records = {}, {} -- records to be written, by the hash that they are in
local lending -- whether records are left as they are; nil: nobody has asked yet

-- A job that nobody has claimed yet and of which nothing else is known needs no look at its record's parts. One of few is
-- given the same header and run as the others of this claim, but for its arrival and time; the record of one of many stays
-- as it is, see common.lua.
local PLAIN = suspect > 0 and FRESH -- else every job is a suspect
local FIRST = pack('<I4I4I2I7I7I7I6B', 1, 1, 0, now, lease, 0, number, #worker) .. worker

-- lend notes this claim under its lease, unless one by another worker, or at another time, has the same lease. The parts of
-- a claim share the place of the first.
local function lend()
	local claims, own = base .. ':claims', pack('<I7I6', now, number - number % PARTS) .. worker
	local there = call('ZRANGEBYSCORE', claims, ARGV[7], ARGV[7], 'LIMIT', 0, 1)[1]
	if there then return there == own end
	if call('ZCARD', claims) >= 32 then forget() end
	call('ZADD', claims, ARGV[7], own)
	return true
end

-- start is the record of another job, given to the worker.
local STARTING = '<BBBBBc13I4I4I2I7I7I7I6B'
local function start(id, raw, flags, prio, token, attempt, recoveries)
	local unknown, p = 0, HEADERLEN + 1
	if flags ~= 0 then
		if band(flags, RUN) ~= 0 then
			local n
			unknown, n, p = unpack_('<xxxxxxxxxxxxxxI7xxxxxxB', raw, p)
			p = p + n
		end
		if band(flags, PROGRESS) ~= 0 then
			call('HDEL', base .. ':progress', id)
			flags = band(flags, bnot(PROGRESS))
		end
	end
	return pack(STARTING, 1, bor(flags, RUN), STARTED, prio, 0, sub(raw, 6, 18), token + 1, attempt + 1, recoveries,
		now, lease, unknown, number, #worker) .. worker .. sub(raw, p)
end

-- examine takes a job that is not fresh, and returns its new record, or nothing where it is left or is none; and whether
-- it stays in the queue.
local function examine(id, m, raw, home)
	if not raw or not readable(raw) then
		mend(id, m, raw, home)
		return nil, false
	end
	local flags, _, prio = byte(raw, 2, 4)
	local token, attempt, recoveries = unpack_('<I4I4I2', raw, 19)
	if recoveries >= suspect then
		if not lastChance then return nil, true end
		lastChance = false
	end
	return start(id, raw, flags, prio, token, attempt, recoveries), false
end

-- claimFrom takes jobs of one priority from a set.
local function claimFrom(key, prio)
	local offset = 0
	local head = '\1' .. string.char(RUN, STARTED, prio, 0)
	while taken < limit and scanned < 10000 do
		local members = call('ZRANGE', key, offset, offset + limit - taken - 1)
		local size = #members
		if size == 0 then break end
		scanned = scanned + size
		if size >= MANY and lending == nil then lending = lend() end
		local ids, remove, n = {}, nil, 2 * taken
		for i = 1, size do ids[i] = sub(members[i], 7) end
		local raws, most, others = fetch(ids)
		for i = 1, size do
			local id, raw, m = ids[i], raws[i], members[i]
			local new, stays = nil, false
			if raw and sub(raw, 1, 3) == PLAIN and sub(raw, 19, 28) == UNTOUCHED then
				new = lending or head .. sub(raw, 6, 18) .. FIRST .. sub(raw, 29)
			else
				new, stays = examine(id, m, raw, others[i] or most)
				if new and band(byte(raw, 2), BESIDE) ~= 0 then raws[i] = show(id, raw) end
			end
			if new then
				n = n + 2
				leases[n - 1], leases[n] = ARGV[7], m
				if new ~= true then
					local home = others[i] or most
					local list = records[home] or {}
					records[home] = list
					list[#list + 1] = id
					list[#list + 1] = new
				end
			else
				raws[i] = false
			end
			if stays and not remove then -- from here on the others are removed one by one
				remove = {unpack(members, 1, i - 1)}
			elseif remove and not stays then
				remove[#remove + 1] = m
			end
		end
		taken = n / 2
		local row = table.concat(ids)
		reply[#reply + 1], reply[#reply + 2] = #row == 16 * size and row or ids, raws -- else somebody else has written an id
		if remove then
			batched('ZREM', key, remove)
			offset = offset + size - #remove
		elseif offset == 0 then
			call('ZREMRANGEBYRANK', key, 0, size - 1)
		else
			batched('ZREM', key, members)
		end
	end
end

-- claim takes jobs of one priority.
local function claim(prio)
	claimFrom(firstSet(prio), prio)
	local passed = 0
	while divided and taken < limit and scanned < 10000 do
		local start = call('ZRANGE', base .. ':spans:' .. prio, passed, passed)[1]
		if not start then break end
		local set = firstSet(prio) .. ':' .. start
		claimFrom(set, prio)
		if call('EXISTS', set) == 0 then unite(prio, start) else passed = passed + 1 end
	end
end

local high = {}
for prio = 1, 9 do high[prio] = firstSet(prio) end
if divided or call('EXISTS', unpack(high)) > 0 then -- most queues have none
	for prio = 9, 1, -1 do claim(prio) end
end
claim(0)
batched('ZADD', base .. ':started', leases)
for home, list in pairs(records) do batched('HSET', home, list) end
finish()
return reply
