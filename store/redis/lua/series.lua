-- Series adds samples to those of their slots, and sets depths.
--
-- KEYS[1]  the key with which the keys of all series begin
-- ARGV[4]  who reports, empty for nobody
-- ARGV[5]  the number of the report
-- ARGV[6]  and on, for each: the step in seconds, the slot's start in microseconds, the field of the slot's hash, and its
--          value. That of a sample, whose field begins with s, is numbers that add up, each after its place: 0=3 7=12
if ARGV[4] ~= '' and repeated(base .. ':writers', ARGV[4], tonumber(ARGV[5])) then return 0 end
for i = 6, #ARGV, 4 do
	local step, at, field, value = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
	local slots = base .. ':' .. step
	local slot = slots .. ':' .. at
	local old = sub(field, 1, 1) == 's' and call('HGET', slot, field)
	if old then
		local sum, list = {}, {}
		for place, n in string.gmatch(old, '(%d+)=(%d+)') do sum[tonumber(place)] = tonumber(n) end
		for place, n in string.gmatch(value, '(%d+)=(%d+)') do
			sum[tonumber(place)] = (sum[tonumber(place)] or 0) + tonumber(n)
		end
		for place, n in pairs(sum) do list[#list + 1] = string.format('%d=%.0f', place, n) end
		value = table.concat(list, ' ')
	end
	call('HSET', slot, field, value)
	call('ZADD', slots, at, at)
end
return 1
