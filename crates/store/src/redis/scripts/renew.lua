-- KEYS meta. ARGV: now, ttl, then id and epoch of each lease. Returns 1 or 0 for each.
local answer, owners = {}, {}
local ends = now + tonumber(ARGV[2])
for i = 3, #ARGV, 2 do
  local id = ARGV[i]
  local epoch, place = match(call('HGET', base .. 'state', id) or '', '^%d+ (%d+) (%a)')
  local held = place == 'l' and epoch == ARGV[i + 1]
  if held then
    local f = call('HMGET', base .. 'wf:' .. id, 'n', 'at', 'o')
    if tonumber(f[2]) <= now then unqueue(look(id)) end
    call('HSET', base .. 'wf:' .. id, 'at', whole(ends))
    call('ZADD', base .. 'leases', ends, f[1] .. id)
    owners[f[3]] = true
  end
  answer[#answer + 1] = held and '1' or '0'
end
for owner in pairs(owners) do call('ZADD', base .. 'seen', 'GT', ends, owner) end
return answer
