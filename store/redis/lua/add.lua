-- Add adds jobs that depend on no others and have no unique key: most are so, and none of them is refused.
--
-- ARGV[4]  the producer, empty for none
-- ARGV[5]  the number of its request
-- ARGV[6]  a character per job, or one for all: its priority, 0 to 9 where it is ready, a to j where it is scheduled
-- ARGV[7]  per run of jobs whose ids belong to the same slice: their number, a byte pair
-- ARGV[8]  how many jobs are many: their records go into slices
-- ARGV[9]  the arrival of the job before these, as the client guesses
-- ARGV[10] 1 where the ids are known to differ
-- ARGV[11] and on: the jobs' ids, then their members, which are their arrivals by that guess and their ids, then their records
--
-- Returns the arrival of the queue's last job, as a negative number when these are its first jobs; 0 for a request that was
-- carried out before. Where the guess is right a record is stored as it came: to make a string is most of what Lua does.
local producer, places, runs, FIRST = ARGV[4], ARGV[6], ARGV[7], 11
if producer ~= '' then
	local again, _, noted = repeated(base .. ':producers', producer, tonumber(ARGV[5]))
	if again then return 0 end
	if noted and #noted > 14 then call('HDEL', base .. ':replies', producer) end -- see enqueue.lua
end
local n = (#ARGV - FIRST + 1) / 3
local seq, meterBefore, used, dense, apart = unpack(call('HMGET', base, 'seq', 'enqueued', 'used', 'dense', 'apart'))
seq = tonumber(seq or 0)
local before, guess, many, LATER = seq, tonumber(ARGV[9]), n >= tonumber(ARGV[8]), byte('a')

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
	local key = place < LATER and ':queued:' .. string.char(place) or ':scheduled'
	sets[place] = {key = base .. key, n = 0}
	return sets[place]
end

local single = #places == 1 and byte(places)
local first, added = FIRST, ARGV[10] ~= '1' and {} -- the first of a run
for r = 1, #runs, 2 do
	local last = first + unpack_('<I2', runs, r) - 1
	local home, other = choose(ARGV[first])
	local stored = call('HMGET', home, unpack(ARGV, first, last))
	local also = other and call('HMGET', other, unpack(ARGV, first, last)) or stored
	local records, m = {}, 0
	for i = first, last do
		local id = ARGV[i]
		if not stored[i - first + 1] and not also[i - first + 1] and not (added and added[id]) then
			if added then added[id] = true end
			seq = seq + 1
			local member, record, score = ARGV[i + n], ARGV[i + 2 * n], ARGV[3]
			if seq ~= guess + i - FIRST + 1 then
				local arrival = pack('>I6', seq)
				member, record = arrival .. id, sub(record, 1, 5) .. arrival .. sub(record, 12)
			end
			local place = single or byte(places, i - FIRST + 1)
			if place >= LATER then score = unpack_('<I7', record, 12) end
			local set = sets[place] or open(place)
			local k = set.n
			set[k + 1], set[k + 2], set.n = score, member, k + 2
			records[m + 1], records[m + 2] = id, record
			m = m + 2
		end
	end
	batched('HSET', home, records)
	first = last + 1
end
if seq == before then return seq end
for _, set in pairs(sets) do batched('ZADD', set.key, set) end
call('HSET', base, 'seq', seq, 'enqueued', metered(meterBefore, seq - before), 'used', '1')
call(pub, base .. ':wake', '')
return used and seq or -seq
