-- Bury adds a job that has failed already.
--
-- ARGV[4]  its id and new record, see encodeNew in encode.go
-- ARGV[5]  the record of its attempt
-- ARGV[6]  when that started
-- ARGV[7]  its number
-- ARGV[8]  its token
-- ARGV[9]  its worker
-- ARGV[10] the job's order among children
--
-- Returns 1 when this is the queue's first job.
local arg = ARGV[4]
local flags, prio, _, keylen, window, parents, p = unpack_('<BBI7I2I7I2', arg, 17)
local j = {id = sub(arg, 1, 16), flags = flags, prio = prio, settled = 0, recoveries = 0, rank = 0, unknown = 0, claim = 0,
	ready = now, started = tonumber(ARGV[6]), attempt = tonumber(ARGV[7]), token = tonumber(ARGV[8]), worker = ARGV[9]}
if find(j.id) then return 0 end
apart(timeOf(j.id))
if band(flags, UNIQUE) ~= 0 then
	j.window, j.key = window, sub(arg, p, p + keylen - 1)
	p = p + keylen
end
j.static = sub(arg, p + 17 * parents)
j.seq = call('HINCRBY', base, 'seq', 1)
if has(j, PARENTS) then call('HSET', base .. ':family', j.id, pack('<I7', tonumber(ARGV[10]))) end
note(j, ARGV[5])
close(j, FAILED)
finish()
return call('HSETNX', base, 'used', '1')
