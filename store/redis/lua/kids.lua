-- Kids lists the jobs that are registered with one of this queue, in their order.
--
-- ARGV[4]  the parent
--
-- Returns per child its queue, its id and its generation.
local reply = {}
for _, kid in ipairs(kids(ARGV[4])) do
	reply[#reply + 1] = {kid[1], kid[2], kid[3]}
end
return reply
