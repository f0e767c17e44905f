-- Audit notes an entry of the audit log, once.
--
-- KEYS[1]  the log: a sorted set of all the same score, whose members begin with the time; the entries are in a hash
-- ARGV[4]  the entry's id
-- ARGV[5]  its place in the log
-- ARGV[6]  the entry
if call('HSETNX', base .. ':entries', ARGV[4], ARGV[6]) == 1 then
	call('ZADD', base, 0, ARGV[5])
end
return 1
