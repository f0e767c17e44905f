-- Redefer has a job that failed because of another one wait again, since that one was put back.
--
-- ARGV[4]  the child
-- ARGV[5]  the parent
-- ARGV[6]  the generation of the child's registration there
-- ARGV[7]  not before when the child may run
-- ARGV[8]  another parent because of which it fails again, empty for none
-- ARGV[9]  what became of that one: f or c
-- ARGV[10] and on: the parents for which it waits
--
-- Returns {generation, order, children, left}: the generation of the new registration, the child's order, 1 when it has
-- children itself; and what is left to do in other queues, see keep. Nothing when the child failed for another reason, or
-- its unique key is taken.
local j = get(ARGV[4])
if not j or j.state ~= FAILED then return {} end
if sub(call('HGET', base .. ':family', j.id) or '', 8) ~= ARGV[5] .. pack('<I7', tonumber(ARGV[6])) then return {} end
if j.key and holder(j.key) then return {} end
take(j)
reset(j)
local gen, children, left = call('HINCRBY', base, 'gen', 1), 0, false
if ARGV[8] ~= '' then
	local stack = {}
	orphan(stack, j, ARGV[8], gen, ARGV[9], 1)
	left = work(stack)
else
	hold(j)
	j.ready = math.max(tonumber(ARGV[7]), now)
	if has(j, CHILDREN) then
		children = 1
		call('HSET', base .. ':redefer', j.id, '1')
	end
	local parents = {}
	for i = 10, #ARGV do parents[#parents + 1] = ARGV[i] end
	defer(j, gen, parents)
end
finish()
return {gen, order(j.id), children, left}
