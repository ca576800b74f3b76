-- KEYS meta. ARGV: now, origin, the number to go on after, how many to look at. Returns how many it mended and the number
-- of the last one looked at, or nothing when there are no more.
local found = call('ZRANGEBYSCORE', base .. 'open', '(' .. ARGV[3], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[4])
local mended = 0
for i = 1, #found, 2 do
  local w = look(found[i])
  if w then
    local forsaken = w.r ~= '' and not alive(w.r)
    if w.p == 'w' or (w.p == 'l' and w.at <= now) or ((w.p == 'r' or w.p == 'd') and forsaken) then
      leave(w)
      w.p = 'w'
      if forsaken then
        w.r = ''
        call('HSET', base .. 'wf:' .. w.id, 'r', '')
      end
      w.p = enqueue(w, now)
      put(w)
      mended = mended + 1
    end
  end
end
if mended > 0 then call('PUBLISH', base .. 'hints', 'W' .. ARGV[2]) end
if #found == 0 then return { whole(mended) } end
return { whole(mended), found[#found] }
