-- Report keeps what running attempts say of themselves.
--
-- ARGV[4]  and on: per report the job's id, the token and the progress
--
-- Returns a character per report: 0 kept, 1 lease lost.
local answers = {}
for i = 4, #ARGV do
	local j = get(sub(ARGV[i], 1, 16))
	local token, p = unpack_('<I7', ARGV[i], 17)
	if j and j.state == STARTED and j.token == token then
		answers[#answers + 1] = '0'
		call('HSET', base .. ':progress', j.id, sub(ARGV[i], p))
		if not has(j, PROGRESS) then
			set(j, PROGRESS)
			write(j)
		end
	else
		answers[#answers + 1] = '1'
	end
end
return table.concat(answers)
