-- Claim takes queued jobs for a worker.
--
-- ARGV[4]  the worker
-- ARGV[5]  the number of its claim
-- ARGV[6]  how many jobs at most
-- ARGV[7]  until when they are leased
-- ARGV[8]  from how many recoveries on a job is a suspect
-- ARGV[9]  1: one suspect may be taken
--
-- Returns {what, due, jobs...}: what is "claimed"; "again" when due jobs are still to be made queued first; "repeated"
-- when this claim was carried out before. due is when the next scheduled job is due, empty for none. Jobs are as show
-- has them, each as id and record, or as an empty string and a list; suspects are counted by the client.
local worker, number, limit, lease = ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local suspect, lastChance = tonumber(ARGV[8]), ARGV[9] == '1'

if promote(500) == 500 then
	finish()
	return {'again', ''}
end
local due = call('ZRANGE', base .. ':scheduled', 0, 0, 'WITHSCORES')[2] or ''
if repeated(base .. ':claimers', worker, number) then
	finish()
	return {'repeated', due}
end
local reply = {'claimed', due}
if limit == 0 or call('HGET', base, 'paused') then
	finish()
	return reply
end

local taken, scanned, BESIDE = 0, 0, HISTORY + PROGRESS + RESULT
local leases, records = {}, {}

-- start gives a job to the worker; raw is its record. It writes header and run at once, with what lies between.
local STARTING = '<BBBBBc13I4I4I2I7I7I7I6I2B'
local function start(id, m, raw, flags, prio, token, attempt, recoveries)
	local unknown, p = 0, HEADERLEN + 1
	if flags ~= 0 then
		if band(flags, RUN) ~= 0 then
			local n
			unknown, n, p = unpack_('<xxxxxxxxxxxxxxI7xxxxxxxxB', raw, p)
			p = p + n
		end
		if band(flags, PROGRESS) ~= 0 then
			call('HDEL', base .. ':progress', id)
			flags = band(flags, bnot(PROGRESS))
		end
	end
	raw = pack(STARTING, 1, bor(flags, RUN), STARTED, prio, 0, sub(raw, 6, 18), token + 1, attempt + 1, recoveries,
		now, lease, unknown, number, taken, #worker) .. worker .. sub(raw, p)
	taken = taken + 1
	local n, r = 2 * taken, #reply
	leases[n - 1], leases[n] = lease, m
	records[n - 1], records[n] = id, raw
	if band(flags, BESIDE) == 0 then
		reply[r + 1], reply[r + 2] = id, raw
	else
		reply[r + 1], reply[r + 2] = '', show(id, raw)
	end
end

for prio = 9, 0, -1 do
	local key, offset = base .. ':queued:' .. prio, 0
	while taken < limit and scanned < 10000 do
		local members = call('ZRANGE', key, offset, offset + limit - taken - 1)
		if #members == 0 then break end
		scanned = scanned + #members
		local ids, remove = {}, {}
		for i = 1, #members do ids[i] = sub(members[i], 7) end
		local raws = call('HMGET', base .. ':jobs', unpack(ids))
		for i = 1, #members do
			local raw, m = raws[i], members[i]
			if not raw or not readable(raw) then
				remove[#remove + 1] = m
				mend(ids[i], m, raw)
			else
				local flags, _, prio = byte(raw, 2, 4)
				local token, attempt, recoveries = unpack_('<I4I4I2', raw, 19)
				if recoveries < suspect or lastChance then
					if recoveries >= suspect then lastChance = false end
					remove[#remove + 1] = m
					start(ids[i], m, raw, flags, prio, token, attempt, recoveries)
				end
			end
		end
		if offset == 0 and #remove == #members then
			call('ZREMRANGEBYRANK', key, 0, #members - 1)
		elseif #remove > 0 then
			batched('ZREM', key, remove)
		end
		offset = offset + #members - #remove
	end
end
batched('ZADD', base .. ':started', leases)
batched('HSET', base .. ':jobs', records)
finish()
return reply
