-- Page lists jobs of one state in order.
--
-- ARGV[4]  the state's number
-- ARGV[5]  1: the newest first
-- ARGV[6]  how many at most
-- ARGV[7]  the priority, time and member after which to begin; empty: at the beginning
-- ARGV[8]
-- ARGV[9]
--
-- Returns the records, as show has them.
local state, newest, limit, reply = tonumber(ARGV[4]), ARGV[5] == '1', tonumber(ARGV[6]), {}

-- place counts the members of a set that come before a place in it; one at the place itself is counted where incl is set.
local function place(key, score, m, incl)
	local low = call('ZCOUNT', key, '-inf', '(' .. score)
	local high = low + call('ZCOUNT', key, score, score)
	while low < high do
		local middle = math.floor((low + high) / 2)
		local there = call('ZRANGE', key, middle, middle)[1]
		if there < m or (incl and there == m) then low = middle + 1 else high = middle end
	end
	return low
end

local function list(key, here)
	local need, members = limit - #reply, nil
	if need <= 0 then return end
	if newest then
		local stop = here and place(key, ARGV[8], ARGV[9], false) or call('ZCARD', key)
		if stop == 0 then return end
		members = call('ZRANGE', key, math.max(0, stop - need), stop - 1)
	else
		local start = here and place(key, ARGV[8], ARGV[9], true) or 0
		members = call('ZRANGE', key, start, start + need - 1)
	end
	for i = 1, #members do
		local m = members[newest and #members + 1 - i or i]
		local id = sub(m, 7)
		local raw = find(id)
		if raw and state == STARTED then raw = whole(id, raw) end
		if raw then reply[#reply + 1] = show(id, raw) end
	end
end

if state ~= QUEUED then
	list(base .. ':' .. NAMES[state], ARGV[9] ~= '')
	return reply
end
local first, last, step = 9, 0, -1
if newest then first, last, step = 0, 9, 1 end
if ARGV[9] ~= '' then first = tonumber(ARGV[7]) end
for prio = first, last, step do
	local sets, from = setsOf(prio), ARGV[9] ~= '' and prio == first and setOf(prio, ARGV[8])
	for i = 1, #sets do
		local set = sets[newest and #sets + 1 - i or i]
		if not from or set == from then
			list(set, set == from)
			from = nil
		end
	end
end
return reply
