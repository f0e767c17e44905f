-- Packmessages takes messages out of their queue, and keeps them until they are in another store.
--
-- ARGV[4]  the identity of the other store
-- ARGV[5]  the mover's token
-- ARGV[6]  the number of the parcel
-- ARGV[7]  how many at most; 0: none
-- ARGV[8]  at how many bytes the parcel is full
--
-- Returns {to, token, number, messages}: of the parcel that was kept before, else of the new one; nothing for none.
local parcel = call('HMGET', base, 'out', 'token', 'number')
local key = base .. ':out'
if not parcel[1] then
	local left, size = tonumber(ARGV[7]), 0
	local most = tonumber(ARGV[8])
	while left > 0 and size < most do
		local message = call('LPOP', base .. ':list')
		if not message then break end
		call('RPUSH', key, message)
		left, size = left - 1, size + 50 + #message
	end
	if size == 0 then return {} end
	parcel = {ARGV[4], ARGV[5], ARGV[6]}
	call('HSET', base, 'out', ARGV[4], 'token', ARGV[5], 'number', ARGV[6])
end
return {parcel[1], parcel[2], tonumber(parcel[3]), call('LRANGE', key, 0, -1)}
