-- Slots deletes slots of a series that are no longer kept, and forgets those who have written none for long.
--
-- KEYS[1]  the key with which the keys of all series begin
-- ARGV[4]  who has not reported since then is forgotten
-- ARGV[5]  how many slots may be deleted
-- ARGV[6]  and on: a step in seconds, and the time at or before which its slots are no longer kept
--
-- Returns how many slots were deleted.
local writers = base .. ':writers'
local silent = call('ZRANGEBYSCORE', writers .. ':seen', '-inf', '(' .. ARGV[4], 'LIMIT', 0, 100)
if #silent > 0 then
	call('HDEL', writers, unpack(silent))
	call('ZREM', writers .. ':seen', unpack(silent))
end
local left = tonumber(ARGV[5])
local deleted = 0
for i = 6, #ARGV, 2 do
	local slots = base .. ':' .. ARGV[i]
	for _, at in ipairs(call('ZRANGEBYSCORE', slots, '-inf', ARGV[i + 1], 'LIMIT', 0, left)) do
		call('UNLINK', slots .. ':' .. at)
		call('ZREM', slots, at)
		deleted = deleted + 1
		left = left - 1
	end
end
return deleted
