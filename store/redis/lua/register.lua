-- Register has jobs of this queue know one that depends on them.
--
-- ARGV[4]  the child
-- ARGV[5]  its queue
-- ARGV[6]  its order among children
-- ARGV[7]  the generation of this registration
-- ARGV[8]  and on: the parents
--
-- Returns a character per parent: L it lives, f it has failed, c it was canceled, - it has finished or is not here.
local states = {}
for i = 8, #ARGV do
	local j = get(ARGV[i])
	local state = '-'
	if j and j.state < FINISHED then
		state = 'L'
	elseif j and j.state == FAILED then
		state = 'f'
	elseif j and j.state == CANCELED then
		state = 'c'
	end
	if state ~= '-' then
		if not has(j, CHILDREN) then
			set(j, CHILDREN)
			write(j)
		end
		-- a child that was carried here is registered again where the carrying is done again, and may have waited anew since
		local enter = ARGV[7] == '0' and 'HSETNX' or 'HSET'
		call(enter, base .. ':kids:' .. j.id, ARGV[4], pack('<I7I7', tonumber(ARGV[6]), tonumber(ARGV[7])) .. ARGV[5])
	end
	states[#states + 1] = state
end
return table.concat(states)
