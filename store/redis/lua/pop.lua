-- Pop takes messages from a message queue.
--
-- ARGV[4]  how many at most
--
-- Returns the messages.
local messages = call('LPOP', base .. ':list', ARGV[4]) or {}
meter('got', #messages)
return messages
