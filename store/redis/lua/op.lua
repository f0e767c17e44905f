-- Op carries out in this queue what followed in another one, and what follows from that.
--
-- ARGV[4]  kind: F, the parent has finished; O, it will not
-- ARGV[5]  the child
-- ARGV[6]  the parent
-- ARGV[7]  the generation of the child's registration
-- ARGV[8]  what became of the parent: f, c or d
-- ARGV[9]  1: the parent is still in the store
--
-- Returns {left}: what is left to do in other queues, see keep.
local left = work({{ARGV[4], own, ARGV[5], ARGV[6], tonumber(ARGV[7]), ARGV[8], tonumber(ARGV[9])}})
finish()
return {left}
