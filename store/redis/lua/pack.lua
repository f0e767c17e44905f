-- Pack takes jobs out of their queue, and keeps them until they are in another queue or store. Their children are left as
-- they are.
--
-- ARGV[4]  where to: the identity of another store, or a queue of this one
-- ARGV[5]  the mover's token
-- ARGV[6]  the number of the parcel; empty: for a queue of this store, and then the parcel is given the next number
-- ARGV[7]  the states, a digit each, in which a job can be packed
-- ARGV[8]  and on: the jobs
--
-- Returns {to, token, number, items, passed}: of the parcel, and how many of the jobs are not in it. Where there is a
-- parcel for another store already that one is returned, and nothing is done; nothing where there is none and no job was
-- named. An item is {record, as show has it; until when the job has its unique key, 0 for no limit, -1 where it has none;
-- when it is deleted; its entry in family; the jobs that it waits for; its children, as kids has them, in pairs}.
local parcels, number = base .. ':parcels', ARGV[6]
if number ~= '' then
	local kept = call('HGET', parcels, 'out')
	if kept then return cmsgpack.unpack(kept) end
	if #ARGV < 8 then return {} end
end

local function item(j, raw)
	local shown, hold, expires, waiting, children = show(j.id, raw), '-1', '0', {}, {}
	if j.key then
		local entry = holder(j.key)
		if entry and sub(entry, 1, 16) == j.id then hold = string.format('%.0f', (unpack_('<I7', entry, 17))) end
	end
	if j.state == FINISHED then expires = call('ZSCORE', base .. ':expiring', member(j)) or '0' end
	if has(j, PARENTS) then waiting = call('HKEYS', base .. ':waits:' .. j.id) end
	if has(j, CHILDREN) then children = call('HGETALL', base .. ':kids:' .. j.id) end
	return {shown, hold, expires, call('HGET', base .. ':family', j.id) or '', waiting, children}
end

local items, passed = {}, 0
for i = 8, #ARGV do
	local raw, home = find(ARGV[i])
	local j = load(ARGV[i], raw, home)
	if j and string.find(ARGV[7], tostring(j.state), 1, true) and call('HEXISTS', base .. ':waits:' .. j.id, '!') == 0 then
		items[#items + 1] = item(j, raw)
		take(j)
		drop(j)
	else
		passed = passed + 1
	end
end
if #items == 0 then return {'', '', 0, {}, passed} end
local field = 'out'
if number == '' then
	number = call('HINCRBY', base, 'entries', 1)
	field = tostring(number)
end
local parcel = {ARGV[4], ARGV[5], tonumber(number), items, passed}
call('HSET', parcels, field, cmsgpack.pack(parcel))
finish()
return parcel
