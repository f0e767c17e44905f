-- Order asks something of a worker, and wakes it up.
--
-- KEYS[1]  the hash of the workers' records
-- ARGV[2]  the prefix of channels
-- ARGV[4]  the worker
-- ARGV[5]  quiet, resume or stop
--
-- Returns 0 when there is no record of the worker.
local worker, orders = ARGV[4], base .. ':orders'
if call('HEXISTS', base, worker) == 0 then return 0 end
local asked = call('HGET', orders, worker) or ''
local quiet, stop = string.find(asked, 'quiet', 1, true), string.find(asked, 'stop', 1, true)
if ARGV[5] == 'quiet' then quiet = true end
if ARGV[5] == 'resume' then quiet = false end
if ARGV[5] == 'stop' then stop = true end
if quiet or stop then
	call('HSET', orders, worker, (quiet and 'quiet ' or '') .. (stop and 'stop' or ''))
else
	call('HDEL', orders, worker)
end
call('PUBLISH', prefix .. ':w:' .. worker, '')
return 1
