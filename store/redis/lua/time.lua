-- Time returns the time of the node that has the key.
local now = redis.call('TIME')
return {tonumber(now[1]), tonumber(now[2])}
