-- Sent forgets a parcel of messages, which is in the other store.
--
-- ARGV[4]  the mover's token
-- ARGV[5]  the number of the parcel
local parcel = call('HMGET', base, 'token', 'number')
if parcel[1] == ARGV[4] and parcel[2] == ARGV[5] then
	call('DEL', base .. ':out')
	call('HDEL', base, 'out', 'token', 'number')
end
return 1
