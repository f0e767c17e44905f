-- Pause stops claims from a queue, or lets them go on.
--
-- ARGV[4]  1: stop
if ARGV[4] == '1' then
	call('HSET', base, 'paused', '1')
else
	call('HDEL', base, 'paused')
	call(pub, base .. ':wake', '')
end
return 1
