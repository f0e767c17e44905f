-- mend makes a job of a record that cannot be read, in that hash: one that has failed, with the record's bytes as payload.
local function mend(id, m, raw, home)
	if not raw then return end -- it is gone, and only its place was left
	local j = {id = id, home = home, flags = 0, prio = 0, settled = 0, token = 0, attempt = 0, recoveries = 0, started = 0, rank = 0,
		unknown = 0, claim = 0, worker = '', ready = now, seq = unpack_('>I6', m), static = '\255' .. raw}
	note(j, 'B' .. pack('<I7', now))
	close(j, FAILED)
end
