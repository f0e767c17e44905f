-- promote makes scheduled jobs that are due queued, limit of them at most, and counts them.
local function promote(limit)
	local members = call('ZRANGEBYSCORE', base .. ':scheduled', '-inf', now, 'LIMIT', 0, limit)
	for _, m in ipairs(members) do
		local id = sub(m, 7)
		local raw, home = find(id)
		local j = load(id, raw, home)
		if j then
			take(j)
			ready(j)
		else
			call('ZREM', base .. ':scheduled', m)
			mend(id, m, raw, home)
		end
	end
	return #members
end
