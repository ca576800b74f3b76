-- KEYS meta, records, names. ARGV: now, space, key, expected, ttl or empty, value or nothing at all. A record is kept as
-- its version, its end or 0, and its value.
local before = call('HGET', KEYS[2], ARGV[3])
local found = 0
if before then
  local version, ends = match(before, '^(%d+) (%d+) ')
  if ends == '0' or tonumber(ends) > now then found = tonumber(version) end
end
if whole(found) ~= ARGV[4] then return { 'conflict', whole(found) } end
local mark = #ARGV[2] .. ':' .. ARGV[2] .. ARGV[3]
local size = before and #before or 0
if not ARGV[6] then
  call('HDEL', KEYS[2], ARGV[3])
  call('ZREM', KEYS[3], ARGV[3])
  call('ZREM', base .. 'expiry', mark)
  call('HINCRBY', KEYS[1], 'kept', 0 - size)
  return { 'ok', '0' }
end
local ends = '0'
if ARGV[5] ~= '' then
  ends = whole(now + tonumber(ARGV[5]))
  call('ZADD', base .. 'expiry', ends, mark)
else
  call('ZREM', base .. 'expiry', mark)
end
local after = whole(found + 1) .. ' ' .. ends .. ' ' .. ARGV[6]
call('HSET', KEYS[2], ARGV[3], after)
call('ZADD', KEYS[3], 0, ARGV[3])
call('HINCRBY', KEYS[1], 'kept', #after - size)
return { 'ok', whole(found + 1) }
