-- Entries returns entries of the audit log, newest first.
--
-- KEYS[1]  the log, see audit
-- ARGV[4]  the place before which to begin, as ZRANGE BYLEX wants it
-- ARGV[5]  how many
-- ARGV[6]  the length of that part of a place which is before the entry's id
--
-- Returns the places and entries in turn; an entry that is missing is empty.
local places = call('ZRANGE', base, ARGV[4], '-', 'BYLEX', 'REV', 'LIMIT', 0, tonumber(ARGV[5]))
local entries = {}
for i, place in ipairs(places) do
	entries[2 * i - 1] = place
	entries[2 * i] = call('HGET', base .. ':entries', sub(place, tonumber(ARGV[6]) + 1)) or ''
end
return entries
