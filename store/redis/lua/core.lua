-- What every script of a queue begins with.
--
-- KEYS[1]  the queue's own key, a hash of what is known of the queue; its other keys have it as prefix
-- ARGV[1]  PUBLISH or SPUBLISH: how the queue's channel is spoken to
-- ARGV[2]  the prefix of keys and channels that belong to no queue
-- ARGV[3]  the time, in microseconds since 1970
local base, pub, prefix, now = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3])
local call, pack, unpack_, sub, byte = redis.call, struct.pack, struct.unpack, string.sub, string.byte
local SCHEDULED, DEFERRED, QUEUED, STARTED, FINISHED, FAILED, CANCELED = 1, 2, 3, 4, 5, 6, 7

-- Records are in the hash :jobs, but for those of jobs that came with many others: these are in slices, a hash for each quarter
-- of a second in which ids were made. A hash of millions is slow: it moves its entries with every look at it, long after
-- it has grown. The queue knows the last times of which there are records in slices, dense, and in :jobs, apart;
-- and of those in slices, the highest rank, ranked, see add.lua.
local jobs = base .. ':jobs'
local function sliceOf(id) return jobs .. ':' .. sub(id, 1, 5) end
local function timeOf(id) return (unpack_('>I5', id)) end

-- metered is a meter after n more events: how many in total, in this minute and in the one before.
local function metered(raw, n)
	local total, minute, current, before = 0, 0, 0, 0
	if raw then total, minute, current, before = unpack_('<I6I6I6I6', raw) end
	total = total + n
	local this = math.floor(now / 60000000)
	if this == minute then
		current = current + n
	elseif this == minute + 1 then
		minute, before, current = this, current, n
	elseif this > minute then
		minute, before, current = this, 0, n
	elseif this == minute - 1 then
		before = before + n
	end
	return pack('<I6I6I6I6', total, minute, current, before)
end

-- meter counts n events.
local function meter(name, n)
	if n == 0 then return end
	call('HSET', base, name, metered(call('HGET', base, name), n))
end

-- repeated says whether somebody's numbered request was carried out before, and notes it. That he was heard of is
-- written down once an hour, so that maintenance can forget the silent. Returns too the last number and what was noted then.
local function repeated(key, who, number)
	local raw = call('HGET', key, who)
	local last, seen = 0, 0
	if raw then last, seen = unpack_('<I7I7', raw) end
	if number > 0 and number <= last then return true, last, raw end
	if now - seen > 3600000000 then
		seen = now
		call('ZADD', key .. ':seen', now, who)
	end
	call('HSET', key, who, pack('<I7I7', number > last and number or last, seen))
	return false, last, raw
end

-- batched calls a command with many arguments in pieces that fit Lua's stack.
local function batched(command, key, args)
	for i = 1, #args, 4000 do
		call(command, key, unpack(args, i, math.min(i + 3999, #args)))
	end
end
