-- Renew extends leases, and never shortens one.
--
-- ARGV[4]  until when
-- ARGV[5]  and on: per lease the job's id and the token
--
-- Returns a character per lease: 0 renewed, 1 lost.
local lease, answers = tonumber(ARGV[4]), {}
for i = 5, #ARGV do
	local j = get(sub(ARGV[i], 1, 16))
	if j and j.state == STARTED and j.token == unpack_('<I7', ARGV[i], 17) then
		answers[#answers + 1] = '0'
		if lease > j.rank then
			j.rank = lease
			put(j)
		end
	else
		answers[#answers + 1] = '1'
	end
end
return table.concat(answers)
