-- KEYS meta. ARGV: now, tenant, grace in milliseconds, how many at most. Deletes blobs last used before the oldest
-- workflow left of this tenant was made. Returns how many.
local moment = now
local oldest = call('ZRANGE', base .. 'by:' .. ARGV[2], 0, 0)[1]
if oldest then
  moment = math.min(now, tonumber(call('HGET', base .. 'wf:' .. oldest, 'cr') or now))
end
local used, sizes = base .. 'used:' .. ARGV[2], base .. 'sizes:' .. ARGV[2]
local gone = call('ZRANGEBYSCORE', used, '-inf', '(' .. whole(moment - tonumber(ARGV[3])), 'LIMIT', 0, ARGV[4])
for _, digest in ipairs(gone) do
  call('UNLINK', base .. 'blob:' .. digest .. ':' .. ARGV[2])
  call('HINCRBY', KEYS[1], 'kept', 0 - tonumber(call('HGET', sizes, digest) or 0))
  call('HDEL', sizes, digest)
  call('ZREM', used, digest)
end
if call('EXISTS', used) == 0 then call('ZREM', base .. 'tenants', ARGV[2]) end
return { whole(#gone) }
