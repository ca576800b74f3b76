-- KEYS meta. ARGV: now, ttl, then id and epoch of each lease. Returns 1 or 0 for each.
local answer, owners = {}, {}
local ends = now + tonumber(ARGV[2])
for i = 3, #ARGV, 2 do
  local w = look(ARGV[i])
  local held = w and w.p == 'l' and whole(w.e) == ARGV[i + 1]
  if held then
    if w.at <= now then unqueue(w) end
    redis.call('HSET', base .. 'wf:' .. w.id, 'at', whole(ends))
    redis.call('ZADD', base .. 'leases', ends, w.n .. w.id)
    owners[w.o] = true
  end
  answer[#answer + 1] = held and '1' or '0'
end
for owner in pairs(owners) do redis.call('ZADD', base .. 'seen', 'GT', ends, owner) end
return answer
