-- Settle ends attempts of jobs of a queue.
--
-- ARGV[4]  and on: per outcome: job id, event, token and, where there is more to say, whether the task is unknown, at,
--          keep until, length of the record, record, result
--
-- Returns {answers, left...}: a character per outcome that was dealt with: 0 settled, 1 lease lost; and what is left to
-- do in other queues, see keep. The outcomes after the last answer are to be sent again when that is done.
local SUCCEEDED, RETRIED, SNOOZED, RELEASED, LOST = 5, 6, 8, 10, 11
local EVENTFAILED, EVENTCANCELED = 7, 9
local SHORT = 21 -- of an outcome that is only event and token
local PLAIN = bnot(RUN)

local n = #ARGV - 3
local answers, ids = {}, {}
for i = 1, n do ids[i] = sub(ARGV[i + 3], 1, 16) end
local raws = call('HMGET', base .. ':jobs', unpack(ids))
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

-- plain deletes a job that has succeeded, and of which nothing else is kept.
local function plain(id, raw)
	changed[id] = 'deleted'
	local k = #deletes + 1
	deletes[k] = id
	leases[k] = sub(raw, 6, 11) .. id
	finished = finished + 1
end

for i = 1, n do
	local arg, id, raw = ARGV[i + 3], ids[i], raws[i]
	if changed[id] == 'deleted' then
		raw = nil
	elseif changed[id] then
		raw = call('HGET', base .. ':jobs', id)
	end
	answers[i] = '1'
	if raw and readable(raw) then
		local event, token = unpack_('<BI4', arg, 17)
		local flags, state, _, settled = byte(raw, 2, 5)
		local has = unpack_('<I4', raw, 19)
		if state == STARTED and has == token then
			answers[i] = '0'
			if #arg == SHORT and band(flags, PLAIN) == 0 then
				plain(id, raw)
			else
				local unknown, at, keepUntil, len, p = 0, 0, 0, 0, SHORT + 1
				if #arg > SHORT then unknown, at, keepUntil, len, p = unpack_('<BI7I7I4', arg, p) end
				changed[id] = 'kept'
				local stack = {}
				settle(load(id, raw), event, unknown, at, keepUntil, sub(arg, p, p + len - 1), sub(arg, p + len), stack)
				left = #stack > 0 and work(stack)
				if left then break end
			end
		elseif has == token and settled == event then
			answers[i] = '0' -- sent again
		end
	end
end
if #deletes > 0 then
	batched('HDEL', base .. ':jobs', deletes)
	batched('ZREM', base .. ':started', leases)
end
for i = 1, #deletes do gone[#gone + 1] = deletes[i] end
local reply = {table.concat(answers)}
if left then reply[#reply + 1] = left end
local more = #fulfilled > 0 and work(fulfilled)
if more then reply[#reply + 1] = more end
finish()
return reply
