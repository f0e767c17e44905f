-- Add adds jobs that depend on no others and have no unique key: most are so, and none of them is refused.
--
-- ARGV[4]  the producer, empty for none
-- ARGV[5]  the number of its request
-- ARGV[6]  a character per job: its priority, 0 to 9 where it is ready, a to j where it is scheduled
-- ARGV[7]  per run of jobs whose ids belong to the same slice: their number, a byte pair
-- ARGV[8]  how many jobs are many: their records go into slices
-- ARGV[9]  and on: the jobs' ids, then their records without arrival and what comes before it, see encodePlain in record.go
--
-- Returns 1 when these are the queue's first jobs.
local producer, places, runs, n, FIRST = ARGV[4], ARGV[6], ARGV[7], #ARGV[6], 9
if producer ~= '' then
	local again, _, noted = repeated(base .. ':producers', producer, tonumber(ARGV[5]))
	if again then return 0 end
	if noted and #noted > 14 then call('HDEL', base .. ':replies', producer) end -- see enqueue.lua
end
local seq, meterBefore, used, dense, apart = unpack(call('HMGET', base, 'seq', 'enqueued', 'used', 'dense', 'apart'))
seq = tonumber(seq or 0)
local before, many, LATER = seq, n >= tonumber(ARGV[8]), byte('a')

-- choose returns the hash for a job's record, and the other one where there may be records of its time.
local function choose(id)
	local time, slice = timeOf(id), sliceOf(id)
	dense, apart = tonumber(dense or -1), tonumber(apart or used and 2 ^ 40 or -1) -- an earlier build noted neither
	if many or time == dense then
		if time > dense then
			dense = time
			call('HSET', base, 'dense', time, 'apart', apart)
		end
		return slice, time <= apart and jobs
	end
	if time > apart then
		apart = time
		call('HSET', base, 'apart', time)
	end
	return jobs, time <= dense and slice
end

local sets = {} -- by place
local function open(place)
	local state, prio, key = QUEUED, place - 48, base .. ':queued:' .. string.char(place)
	if place >= LATER then state, prio, key = SCHEDULED, place - LATER, base .. ':scheduled' end
	local head = string.char(1, 0, state, prio, 0) -- version, flags, state, priority, settled
	sets[place] = {key = key, head = head, n = 0}
	return sets[place]
end

local first, added = FIRST, {} -- the first of a run
for r = 1, #runs, 2 do
	local last = first + unpack_('<I2', runs, r) - 1
	local home, other = choose(ARGV[first])
	local stored = call('HMGET', home, unpack(ARGV, first, last))
	local also = other and call('HMGET', other, unpack(ARGV, first, last)) or stored
	local records, m = {}, 0
	for i = first, last do
		local id, place = ARGV[i], byte(places, i - FIRST + 1)
		if not stored[i - first + 1] and not also[i - first + 1] and not added[id] then
			added[id] = true
			seq = seq + 1
			local arrival, record, score = pack('>I6', seq), ARGV[i + n], ARGV[3]
			if place >= LATER then score = unpack_('<I7', record) end
			local set = sets[place] or open(place)
			local k = set.n
			set[k + 1], set[k + 2], set.n = score, arrival .. id, k + 2
			records[m + 1], records[m + 2] = id, set.head .. arrival .. record
			m = m + 2
		end
	end
	batched('HSET', home, records)
	first = last + 1
end
if seq == before then return 0 end
for _, set in pairs(sets) do batched('ZADD', set.key, set) end
call('HSET', base, 'seq', seq, 'enqueued', metered(meterBefore, seq - before), 'used', '1')
call(pub, base .. ':wake', '')
return used and 0 or 1
