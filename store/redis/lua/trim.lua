-- Trim deletes entries of the audit log that are too old or too many.
--
-- KEYS[1]  the log, see audit
-- ARGV[4]  the place before which entries are too old
-- ARGV[5]  how many there may be
-- ARGV[6]  how many may be deleted
-- ARGV[7]  the length of that part of a place which is before the entry's id
--
-- Returns how many were deleted.
local limit = tonumber(ARGV[6])
local places = call('ZRANGE', base, '-', '(' .. ARGV[4], 'BYLEX', 'LIMIT', 0, limit)
local surplus = math.min(call('ZCARD', base) - tonumber(ARGV[5]), limit)
if surplus > #places then places = call('ZRANGE', base, 0, surplus - 1) end
for _, place in ipairs(places) do
	call('HDEL', base .. ':entries', sub(place, tonumber(ARGV[7]) + 1))
	call('ZREM', base, place)
end
return #places
