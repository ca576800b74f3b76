-- KEYS meta. ARGV: now, how many at most. Deletes small records that have expired. Returns how many.
local gone = redis.call('ZRANGEBYSCORE', base .. 'expiry', '-inf', now, 'LIMIT', 0, ARGV[2])
for _, mark in ipairs(gone) do
  local length, rest = string.match(mark, '^(%d+):(.*)$')
  local space, name = string.sub(rest, 1, length), string.sub(rest, length + 1)
  local records = base .. 'records:' .. space
  redis.call('HINCRBY', KEYS[1], 'kept', 0 - redis.call('HSTRLEN', records, name))
  redis.call('HDEL', records, name)
  redis.call('ZREM', base .. 'names:' .. space, name)
  redis.call('ZREM', base .. 'expiry', mark)
end
return { whole(#gone) }
