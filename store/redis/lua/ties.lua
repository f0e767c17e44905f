-- Ties lists what binds jobs of this queue to those that they depend on.
--
-- ARGV[4]  and on: the jobs
--
-- Returns per job the ids of those that it waits for, and of that because of which it failed, in a row.
local reply = {}
for i = 4, #ARGV do
	local list = {}
	for _, id in ipairs(call('HKEYS', base .. ':waits:' .. ARGV[i])) do
		if id ~= '!' then list[#list + 1] = id end
	end
	local family = call('HGET', base .. ':family', ARGV[i])
	if family and #family >= 23 then list[#list + 1] = sub(family, 8, 23) end
	reply[#reply + 1] = table.concat(list)
end
return reply
