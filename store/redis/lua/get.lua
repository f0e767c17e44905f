-- Get looks jobs up by their ids.
--
-- ARGV[4]  full: whole records; state: a character each
-- ARGV[5]  and on: the ids
--
-- Returns per job its record, as show has it, false where there is none; or L it lives, f it has failed, c it was
-- canceled, F it has finished, - there is none.
local reply = {}
for i = 5, #ARGV do
	local raw = find(ARGV[i])
	if ARGV[4] == 'full' then
		reply[#reply + 1] = raw and show(ARGV[i], whole(ARGV[i], raw))
	else
		local state = raw and byte(raw, 3) or 0
		reply[#reply + 1] = state == 0 and '-' or sub('LLLLFfc', state, state)
	end
end
return reply
