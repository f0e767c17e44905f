-- Settle ends attempts of jobs of a queue.
--
-- ARGV[4]  and on: per outcome: job id, event, token and, where there is more to say, whether the task is unknown, at,
--          keep until, length of the record, record, result; or a job id alone: it has succeeded, with the token 1
--
-- Returns {answers, left...}: a character per outcome that was dealt with: 0 settled, 1 lease lost; and what is left to
-- do in other queues, see keep. The outcomes after the last answer are to be sent again when that is done.
local SUCCEEDED, RETRIED, SNOOZED, RELEASED, LOST = 5, 6, 8, 10, 11
local EVENTFAILED, EVENTCANCELED = 7, 9
local IDLEN, SHORT = 16, 21 -- of an outcome that is only an id, or id, event and token

local n = #ARGV - 3
local answers, ids = {}, {}
for i = 1, n do
	local arg = ARGV[i + 3]
	ids[i] = #arg == IDLEN and arg or sub(arg, 1, IDLEN)
end
local raws, most, others = fetch(ids)
local fulfilled, deletes, leases = {}, {}, {}
local changed = {} -- by id: this script has changed the record
local left

local function settle(j, event, unknown, at, keepUntil, record, result, stack)
	stop(j)
	j.settled = event
	if record ~= '' then note(j, record) end
	if event ~= RELEASED or unknown == 0 then
		j.unknown = 0
	elseif j.unknown == 0 then
		j.unknown = now
	end
	if event == SUCCEEDED then
		if keepUntil > 0 then
			if result ~= '' then
				set(j, RESULT)
				call('HSET', base .. ':results', j.id, result)
			end
			follow(fulfilled, 'F', j, '', true)
			unset(j, CHILDREN)
			close(j, FINISHED)
			call('ZADD', base .. ':expiring', keepUntil, member(j))
		else
			finished = finished + 1
			follow(fulfilled, 'F', j, '', false)
			drop(j)
		end
	elseif event == EVENTFAILED then
		close(j, FAILED)
		follow(stack, 'O', j, 'f', true)
	elseif event == EVENTCANCELED then
		close(j, CANCELED)
		follow(stack, 'O', j, 'c', true)
	elseif event == RETRIED then
		again(stack, j, at > now and at or now)
	elseif event == SNOOZED then
		j.attempt = j.attempt - 1
		again(stack, j, at > now and at or now)
	else
		j.attempt = j.attempt - 1
		again(stack, j, at > now and at or j.ready)
	end
end

-- A job that has been claimed, and of which nothing else is kept, is just deleted when it succeeds: most are so, and the
-- records of most of these are as they were before the claim.
local STARTEDPLAIN = '\1' .. string.char(RUN, STARTED) -- version, flags, state
local EVENTPLAIN = string.char(SUCCEEDED)
local EVENTFRESH = EVENTPLAIN .. pack('<I4', 1) -- with the token of the first claim

local function plain(arg, raw)
	if #arg > SHORT then return false end
	local rest = #arg == IDLEN and EVENTFRESH or sub(arg, IDLEN + 1)
	if sub(raw, 1, 3) == FRESH then return rest == EVENTFRESH and sub(raw, 19, 28) == UNTOUCHED end
	return sub(raw, 1, 3) == STARTEDPLAIN and rest == EVENTPLAIN .. sub(raw, 19, 22)
end

-- current is the record of a job as it is after what this script has done so far, and the hash that it is in.
local noted = 0
local function current(i, id)
	for k = noted + 1, #deletes do changed[deletes[k]] = 'deleted' end
	noted = #deletes
	if changed[id] == 'deleted' then return nil end
	if changed[id] then return find(id) end
	return raws[i], others[i] or most
end

-- other settles what is not plain, and returns the answer.
local function other(i, arg, id)
	local raw, home = current(i, id)
	if not raw or not readable(raw) then return '1' end
	if #arg == IDLEN then arg = arg .. EVENTFRESH end
	local event, token = unpack_('<BI4', arg, 17)
	local j = load(id, raw, home)
	if j.token ~= token then return '1' end
	if j.state ~= STARTED then return j.settled == event and '0' or '1' end -- it was sent again
	local unknown, at, keepUntil, len, p = 0, 0, 0, 0, SHORT + 1
	if #arg > SHORT then unknown, at, keepUntil, len, p = unpack_('<BI7I7I4', arg, p) end
	changed[id] = 'kept'
	local stack = {}
	settle(j, event, unknown, at, keepUntil, sub(arg, p, p + len - 1), sub(arg, p + len), stack)
	left = #stack > 0 and work(stack)
	return '0'
end

-- refuse takes from those to be deleted the fresh ones that were not started, but wait in the queue.
local places = {} -- of those to be deleted
local function refuse()
	local started, kept = {}, {}
	for k, i in ipairs(places) do
		local raw = raws[i]
		if sub(raw, 1, 3) == FRESH and call('ZSCORE', setOf(byte(raw, 4), (unpack_('<I7', raw, 12))), leases[k]) then
			answers[i] = '1'
		else
			started[#started + 1], kept[#kept + 1] = ids[i], i
		end
	end
	return started, kept
end

local k = 0
for i = 1, n do
	local arg, id, raw = ARGV[i + 3], ids[i], raws[i]
	if raw and plain(arg, raw) and not changed[id] then
		k = k + 1
		deletes[k], leases[k], places[k] = id, sub(raw, 6, 11) .. id, i
		answers[i] = '0'
	else
		answers[i] = other(i, arg, id)
		if left then break end
	end
end
if k > 0 then
	if call('ZREM', base .. ':started', unpack(leases)) < k then deletes, places = refuse() end
end
if #deletes > 0 then
	finished = finished + call('HDEL', most, unpack(deletes)) -- an outcome that is there twice counts once
	for _, i in ipairs(next(others) and places or {}) do
		if others[i] then finished = finished + call('HDEL', others[i], ids[i]) end
	end
	gone[#gone + 1] = table.concat(deletes)
end
local reply = {table.concat(answers)}
if left then reply[#reply + 1] = left end
local more = #fulfilled > 0 and work(fulfilled)
if more then reply[#reply + 1] = more end
finish()
return reply
