-- Add adds jobs that depend on no others and have no unique key: most are so, and none of them is refused.
--
-- ARGV[4]  the producer, empty for none
-- ARGV[5]  the number of its request
-- ARGV[6]  a character per job: its priority, 0 to 9 where it is ready, a to j where it is scheduled
-- ARGV[7]  and on: the jobs' ids, then their records without arrival and what comes before it, see encodePlain in record.go
--
-- Returns 1 when these are the queue's first jobs.
local producer, places, n = ARGV[4], ARGV[6], #ARGV[6]
if producer ~= '' then
	local again, _, noted = repeated(base .. ':producers', producer, tonumber(ARGV[5]))
	if again then return 0 end
	if noted and #noted > 14 then call('HDEL', base .. ':replies', producer) end -- see enqueue.lua
end
local stored = call('HMGET', base .. ':jobs', unpack(ARGV, 7, 6 + n))
local seq, meterBefore, used = unpack(call('HMGET', base, 'seq', 'enqueued', 'used'))
seq = tonumber(seq or 0)
local before = seq

local LATER = byte('a')
local sets, keys, heads, added, jobs, last = {}, {}, {}, {}, {}, 0
local function open(place)
	local state, prio, key = QUEUED, place - 48, base .. ':queued:' .. string.char(place)
	if place >= LATER then state, prio, key = SCHEDULED, place - LATER, base .. ':scheduled' end
	heads[place] = string.char(1, 0, state, prio, 0) -- version, flags, state, priority, settled
	sets[place], keys[place] = {}, key
end
for i = 1, n do
	local id, record, place = ARGV[6 + i], ARGV[6 + n + i], byte(places, i)
	if not stored[i] and not added[id] then
		added[id] = true
		seq = seq + 1
		local arrival, score = pack('>I6', seq), ARGV[3]
		if not heads[place] then open(place) end
		if place >= LATER then score = unpack_('<I7', record) end
		local set = sets[place]
		local m = #set
		set[m + 1], set[m + 2] = score, arrival .. id
		jobs[last + 1], jobs[last + 2] = id, heads[place] .. arrival .. record
		last = last + 2
	end
end
if seq == before then return 0 end
for place, set in pairs(sets) do batched('ZADD', keys[place], set) end
batched('HSET', base .. ':jobs', jobs)
call('HSET', base, 'seq', seq, 'enqueued', metered(meterBefore, seq - before), 'used', '1')
call(pub, base .. ':wake', '')
return used and 0 or 1
