-- Add adds jobs that depend on no others and have no unique key: most are so, and none of them is refused.
--
-- ARGV[4]  the producer, empty for none
-- ARGV[5]  the number of its request
-- ARGV[6]  a character per job, or one for all: its priority, 0 to 9 where it is ready, a to j where it is scheduled
-- ARGV[7]  per run of jobs whose ids belong to the same slice: their number, a byte pair
-- ARGV[8]  how many jobs are many: their records go into slices
-- ARGV[9]  the arrival of the job before these, as the client guesses
-- ARGV[10] 1 where the ids are known to differ
-- ARGV[11] the least rank of their ids, and ARGV[12] the greatest: see rankOf in enqueue.go
-- ARGV[13] how many jobs are a span
-- ARGV[14] and on: per job its id and its record; then the members, which are their arrivals by that guess and their ids
--
-- Returns the arrival of the queue's last job, as a negative number when these are its first jobs; 0 for a request that was
-- carried out before. Where the guess is right records are stored as they came: to make a string is most of what Lua does.
-- Where all ids are of a higher rank than those in slices, nobody looks whether they are there.
local producer, places, runs, FIRST = ARGV[4], ARGV[6], ARGV[7], 14
if producer ~= '' then
	local again, _, noted = repeated(base .. ':producers', producer, tonumber(ARGV[5]))
	if again then return 0 end
	if noted and #noted > 14 then call('HDEL', base .. ':replies', producer) end -- see enqueue.lua
end
local n = (#ARGV - FIRST + 1) / 3
local seq, meterBefore, used, dense, apart, ranked, spans =
	unpack(call('HMGET', base, 'seq', 'enqueued', 'used', 'dense', 'apart', 'ranked', 'spans'))
seq, divided = tonumber(seq or 0), tonumber(spans or 0) > 0
local before, guess, many, LATER, SPAN = seq, tonumber(ARGV[9]), n >= tonumber(ARGV[8]), byte('a'), tonumber(ARGV[13])
ranked = tonumber(ranked or dense and (dense + 1) * 2 ^ 20 or -1) -- an earlier build noted only the time
local newer, sliced = tonumber(ARGV[11]) > ranked, false -- large numbers are rounded, which keeps their order

-- choose returns the hash for a job's record, the other one where there may be records of its time, and whether the first one
-- cannot have its record.
local function choose(id)
	local time, slice = timeOf(id), sliceOf(id)
	dense, apart = tonumber(dense or -1), tonumber(apart or used and 2 ^ 40 or -1) -- an earlier build noted neither
	if many or time == dense then
		sliced = true
		if time > dense then
			dense = time
			call('HSET', base, 'dense', time, 'apart', apart)
		end
		return slice, time <= apart and jobs, newer
	end
	if time > apart then
		apart = time
		call('HSET', base, 'apart', time)
	end
	return jobs, time <= dense and slice, false
end

local sets = {} -- by place
local function open(place)
	local key = place < LATER and setOf(string.char(place), ARGV[3]) or base .. ':scheduled'
	sets[place] = {key = key, n = 0}
	return sets[place]
end

-- stored looks for jobs in a hash. It returns nil where none of them is there.
local function stored(hash, ids)
	local raws = call('HMGET', hash, unpack(ids))
	for i = 1, #ids do
		if raws[i] then return raws end
	end
end

local single, MEMBERS = #places == 1 and byte(places), FIRST + 2 * n
local done, added = 0, ARGV[10] ~= '1' and {} -- how many jobs are in runs before
for r = 1, #runs, 2 do
	local size = unpack_('<I2', runs, r)
	local first = FIRST + 2 * done
	local home, other, new = choose(ARGV[first])
	local here, there
	if other or not new then
		local ids = {}
		for i = 1, size do ids[i] = ARGV[first + 2 * (i - 1)] end
		here, there = not new and stored(home, ids), other and stored(other, ids)
	end
	if single and single < LATER and seq == guess + done and not (added or here or there) then
		call('HSET', home, unpack(ARGV, first, first + 2 * size - 1))
		local set, score = sets[single] or open(single), ARGV[3]
		local k = set.n
		for i = MEMBERS + done, MEMBERS + done + size - 1 do
			set[k + 1], set[k + 2] = score, ARGV[i]
			k = k + 2
		end
		set.n = k
		seq = seq + size
	else
		local records, m = {}, 0
		for i = 1, size do
			local id = ARGV[first + 2 * (i - 1)]
			if not (here and here[i]) and not (there and there[i]) and not (added and added[id]) then
				if added then added[id] = true end
				seq = seq + 1
				local record, member, score = ARGV[first + 2 * i - 1], ARGV[MEMBERS + done + i - 1], ARGV[3]
				if seq ~= guess + done + i then
					local arrival = pack('>I6', seq)
					member, record = arrival .. id, sub(record, 1, 5) .. arrival .. sub(record, 12)
				end
				local place = single or byte(places, done + i)
				if place >= LATER then score = unpack_('<I7', record, 12) end
				local set = sets[place] or open(place)
				local k = set.n
				set[k + 1], set[k + 2], set.n = score, member, k + 2
				records[m + 1], records[m + 2] = id, record
				m = m + 2
			end
		end
		batched('HSET', home, records)
	end
	done = done + size
end
if seq == before then return seq end
for place, set in pairs(sets) do
	batched('ZADD', set.key, set)
	if place < LATER and seq % SPAN < seq - before then divide(string.char(place), set.key, SPAN) end
end
local rank = sliced and tonumber(ARGV[12]) > ranked and {'ranked', ARGV[12]} or {}
call('HSET', base, 'seq', seq, 'enqueued', metered(meterBefore, seq - before), 'used', '1', unpack(rank))
call(pub, base .. ':wake', '')
return used and seq or -seq
