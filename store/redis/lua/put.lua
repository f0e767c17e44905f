-- Put appends messages to a message queue.
--
-- ARGV[4]  the producer, empty for none
-- ARGV[5]  the number of its request
-- ARGV[6]  until when the producer is remembered at least; 0: as always
-- ARGV[7]  and on: the messages
--
-- Returns 1 when these are the queue's first.
if ARGV[4] ~= '' and repeated(base .. ':producers', ARGV[4], tonumber(ARGV[5])) then return 0 end
local seen = tonumber(ARGV[6])
if ARGV[4] ~= '' and seen > 0 then
	call('HSET', base .. ':producers', ARGV[4], pack('<I7I7', tonumber(ARGV[5]), seen))
	call('ZADD', base .. ':producers:seen', seen, ARGV[4])
end
for i = 7, #ARGV, 4000 do
	call('RPUSH', base .. ':list', unpack(ARGV, i, math.min(i + 3999, #ARGV)))
end
meter('put', #ARGV - 6)
call(pub, base .. ':wake', '')
return call('HSETNX', base, 'used', '1')
