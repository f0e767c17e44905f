-- Purge deletes final jobs past their retention, and what is known of those who were silent for long.
--
-- ARGV[4]  how many jobs at most
-- ARGV[5]  failed and canceled jobs that ended by then go; empty: none
-- ARGV[6]  how many final jobs of each state are kept; 0: all
-- ARGV[7]  who was not heard of since then is forgotten
--
-- Returns how many jobs were deleted.
local limit, purged = tonumber(ARGV[4]), 0

local function purge(members, key)
	for _, m in ipairs(members) do
		local j = get(sub(m, 7))
		if j then
			take(j)
			drop(j)
		else
			local _, home = find(sub(m, 7))
			call('HDEL', home, sub(m, 7))
			call('ZREM', key, m)
		end
	end
	purged = purged + #members
end

local expiring, most = base .. ':expiring', tonumber(ARGV[6])
purge(call('ZRANGEBYSCORE', expiring, '-inf', now, 'LIMIT', 0, limit), expiring)
for _, state in ipairs({FAILED, CANCELED, FINISHED}) do
	local key = base .. ':' .. NAMES[state]
	if ARGV[5] ~= '' and state ~= FINISHED and purged < limit then
		purge(call('ZRANGEBYSCORE', key, '-inf', ARGV[5], 'LIMIT', 0, limit - purged), key)
	end
	if most > 0 and purged < limit then
		local over = math.min(call('ZCARD', key) - most, limit - purged)
		if over > 0 then purge(call('ZRANGE', key, 0, over - 1), key) end
	end
end

for _, key in ipairs({base .. ':claimers', base .. ':producers'}) do
	local silent = call('ZRANGEBYSCORE', key .. ':seen', '-inf', '(' .. ARGV[7], 'LIMIT', 0, 100)
	if #silent > 0 then
		call('HDEL', key, unpack(silent))
		call('ZREM', key .. ':seen', unpack(silent))
		call('HDEL', base .. ':replies', unpack(silent))
	end
end
forget()
finish()
return purged
