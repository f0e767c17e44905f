-- Decide ends the uncertainty of a deferred job whose parents in other queues were asked.
--
-- ARGV[4]  the child
-- ARGV[5]  the generation of its registration
-- ARGV[6]  a parent because of which it fails, empty for none
-- ARGV[7]  what became of that one: f or c
-- ARGV[8]  and on: parents for which it need not wait
--
-- Returns {left}: what is left to do in other queues, see keep.
local id, gen, left = ARGV[4], tonumber(ARGV[5]), false
local unsure = call('HGET', base .. ':unsure', id)
if unsure and string.match(unsure, '%d+') == ARGV[5] then call('HDEL', base .. ':unsure', id) end
if waits(id, '!', gen) then
	local j = get(id)
	if j and j.state == DEFERRED and ARGV[6] ~= '' then
		local stack = {}
		take(j)
		orphan(stack, j, ARGV[6], gen, ARGV[7], 1)
		left = work(stack)
	else
		local done = {}
		for i = 8, #ARGV do
			if waits(id, ARGV[i], gen) then done[#done + 1] = ARGV[i] end
		end
		batched('HDEL', base .. ':waits:' .. id, done)
		fulfil(id, '!', gen)
	end
end
finish()
return {left}
