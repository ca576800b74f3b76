-- KEYS meta. ARGV: now, origin, id, epoch, not before or empty. Returns whether the lease was there to be given back.
local w = look(ARGV[3])
if not (w and w.p == 'l' and whole(w.e) == ARGV[4]) then return { '0' } end
w.a = math.max(w.a - 1, 0)
w.p = enqueue(w, math.max(tonumber(ARGV[5]) or now, now))
put(w)
call('PUBLISH', base .. 'hints', 'W' .. ARGV[2])
return { '1' }
