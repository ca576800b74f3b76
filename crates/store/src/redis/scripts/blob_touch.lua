-- KEYS meta, blob. ARGV: now, tenant, digest. Notes that the blob is used now. Returns whether its bytes are here.
call('ZADD', base .. 'used:' .. ARGV[2], 'GT', now, ARGV[3])
call('ZADD', base .. 'tenants', 0, ARGV[2])
local here = call('EXISTS', KEYS[2])
if here == 1 then
  local size = call('STRLEN', KEYS[2])
  if call('HSETNX', base .. 'sizes:' .. ARGV[2], ARGV[3], size) == 1 then
    call('HINCRBY', KEYS[1], 'kept', size)
  end
end
return { whole(here) }
