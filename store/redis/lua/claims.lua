-- forget removes claims that no started job's lease names any more: all that are before the first of them.
local function forget()
	local claims, first = base .. ':claims', call('ZRANGE', base .. ':started', 0, 0, 'WITHSCORES')[2]
	local old = call('ZCOUNT', claims, '-inf', first and '(' .. first or '+inf')
	if old > 0 then call('ZREMRANGEBYRANK', claims, 0, old - 1) end
end
