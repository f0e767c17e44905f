-- Queued jobs are in a sorted set for each priority, :queued:P, and those of a long queue in more of them, its spans:
-- :queued:P:START has the jobs that are ready since START or later, up to where the next span starts. A sorted set of millions is
-- slow as a hash of millions is, see core. :spans:P lists the spans of a priority, and the queue knows how many there are of all.
local divided -- whether it has any; nil: nobody has looked yet

local function firstSet(prio) return base .. ':queued:' .. prio end

local function isDivided()
	if divided == nil then divided = tonumber(call('HGET', base, 'spans') or 0) > 0 end
	return divided
end

-- setOf returns the set for jobs of that priority that are ready since then.
local function setOf(prio, ready)
	if not isDivided() then return firstSet(prio) end
	local start = call('ZRANGE', base .. ':spans:' .. prio, ready, '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, 1)[1]
	return start and firstSet(prio) .. ':' .. start or firstSet(prio)
end

-- setsOf returns all sets of a priority, in the order of their jobs.
local function setsOf(prio)
	local sets = {firstSet(prio)}
	if not isDivided() then return sets end
	for i, start in ipairs(call('ZRANGE', base .. ':spans:' .. prio, 0, -1)) do sets[i + 1] = sets[1] .. ':' .. start end
	return sets
end

-- divide begins a span behind the last job of a set that has many. Whoever adds jobs asks whenever the number of all that ever
-- came passes a multiple of span: then nobody need count those that wait.
local function divide(prio, set, span)
	if call('ZCARD', set) < span / 2 then return end
	local start = string.format('%.0f', tonumber(call('ZRANGE', set, -1, -1, 'WITHSCORES')[2]) + 1)
	if call('ZADD', base .. ':spans:' .. prio, start, start) == 0 then return end
	call('HINCRBY', base, 'spans', 1)
	divided = true
end

-- unite takes out of the list a span that has no jobs any more. What is ready within it is then for the set before it.
local function unite(prio, start)
	if call('ZREM', base .. ':spans:' .. prio, start) == 1 then call('HINCRBY', base, 'spans', -1) end
end
