-- KEYS meta. ARGV: now, how many at most. Deletes small records that have expired. Returns how many.
local gone = call('ZRANGEBYSCORE', base .. 'expiry', '-inf', now, 'LIMIT', 0, ARGV[2])
for _, mark in ipairs(gone) do
  local length, rest = match(mark, '^(%d+):(.*)$')
  local space, name = sub(rest, 1, length), sub(rest, length + 1)
  local records = base .. 'records:' .. space
  call('HINCRBY', KEYS[1], 'kept', 0 - call('HSTRLEN', records, name))
  call('HDEL', records, name)
  call('ZREM', base .. 'names:' .. space, name)
  call('ZREM', base .. 'expiry', mark)
end
return { whole(#gone) }
