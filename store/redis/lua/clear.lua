-- Clear removes every message of a message queue.
--
-- Returns how many there were.
local n = call('LLEN', base .. ':list')
call('UNLINK', base .. ':list')
return n
