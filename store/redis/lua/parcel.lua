-- Parcel returns a parcel for a queue of this store, as pack does, or forgets one.
--
-- ARGV[4]  its number, or "out" for that which is for another store
-- ARGV[5]  1: forget it
-- ARGV[6]  the token and number that it must have to be forgotten, empty for any
-- ARGV[7]
local raw = call('HGET', base .. ':parcels', ARGV[4])
if not raw then return {} end
local parcel = cmsgpack.unpack(raw)
if ARGV[5] ~= '1' then return parcel end
if ARGV[6] == '' or (parcel[2] == ARGV[6] and parcel[3] == tonumber(ARGV[7])) then
	call('HDEL', base .. ':parcels', ARGV[4])
end
return {}
