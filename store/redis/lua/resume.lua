-- Resume goes on with an entry of the outbox.
--
-- ARGV[4]  the entry
-- ARGV[5]  the step at which the client is; 0: at whichever it is
-- ARGV[6]  1: the item on top is done
--
-- Returns {left}: what is left to do in other queues, see keep. Nothing where somebody else has gone on meanwhile.
local raw = call('HGET', base .. ':outbox', ARGV[4])
if not raw then return {} end
local entry = cmsgpack.unpack(raw)
local step, stack = entry[1], entry[2]
if ARGV[5] ~= '0' and tonumber(ARGV[5]) ~= step then return {} end
if ARGV[6] == '1' then stack[#stack] = nil end
for _ = 1, BUDGET do
	local item = stack[#stack]
	if not item or item[2] ~= own then break end
	stack[#stack] = nil
	run(stack, item)
end
finish()
if #stack == 0 then
	call('HDEL', base .. ':outbox', ARGV[4])
	return {}
end
call('HSET', base .. ':outbox', ARGV[4], cmsgpack.pack({step + 1, stack}))
return {{tonumber(ARGV[4]), step + 1, unpack(stack[#stack])}}
