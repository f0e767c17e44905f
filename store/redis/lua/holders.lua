-- Holders says which unique keys living jobs of this queue have.
--
-- ARGV[4]  and on: the keys
--
-- Returns a character per key: 1 where it is taken.
local reply = {}
for i = 4, #ARGV do reply[#reply + 1] = holder(ARGV[i]) and '1' or '0' end
return table.concat(reply)
