-- Tend makes due jobs queued, and says what of this queue's outbox is not delivered.
--
-- ARGV[4]  how many jobs at most
--
-- Returns {promoted, entries, unsure, redefer, parcels}: the entries of the outbox; the jobs whose parents are still to be asked,
-- with "f" behind the number of the registration where parents that have failed count as fulfilled; and those whose
-- children are to wait again; and jobs on their way to another queue. Each is a field of a hash and its value, in turn.
local promoted = 0
if ARGV[4] ~= '0' then promoted = promote(tonumber(ARGV[4])) end
local function some(key)
	if call('EXISTS', key) == 0 then return {} end
	return call('HSCAN', key, 0, 'COUNT', 100)[2]
end
finish()
return {promoted, some(base .. ':outbox'), some(base .. ':unsure'), some(base .. ':redefer'), some(base .. ':parcels')}
