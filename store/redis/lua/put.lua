-- Put appends messages to a message queue.
--
-- ARGV[4]  the producer, empty for none
-- ARGV[5]  the number of its request
-- ARGV[6]  and on: the messages
--
-- Returns 1 when these are the queue's first.
if ARGV[4] ~= '' and repeated(base .. ':producers', ARGV[4], tonumber(ARGV[5])) then return 0 end
for i = 6, #ARGV, 4000 do
	call('RPUSH', base .. ':list', unpack(ARGV, i, math.min(i + 3999, #ARGV)))
end
meter('put', #ARGV - 5)
call(pub, base .. ':wake', '')
return call('HSETNX', base, 'used', '1')
