-- KEYS meta. ARGV: now, the moment before which they ended, how many at most. Deletes the oldest finished workflows; their
-- logs are renamed and cleared away by other scripts. Returns how many.
local gone = redis.call('ZRANGEBYSCORE', base .. 'done', '-inf', ARGV[2], 'LIMIT', 0, ARGV[3])
for _, member in ipairs(gone) do
  local number, id = string.sub(member, 1, 16), string.sub(member, 17)
  local wf, log = base .. 'wf:' .. id, base .. 'log:' .. id
  local f = redis.call('HMGET', wf, 'n', 't', 'ik', 'by')
  redis.call('ZREM', base .. 'done', member)
  if f[1] == number then
    if redis.call('EXISTS', log) == 1 then
      redis.call('RENAME', log, base .. 'gone:' .. number)
      redis.call('RPUSH', base .. 'trash', number)
    end
    if f[3] then redis.call('DEL', f[3]) end
    redis.call('UNLINK', wf)
    redis.call('ZREM', base .. 'all', id)
    redis.call('ZREM', base .. 'by:' .. f[2], id)
    redis.call('HINCRBY', KEYS[1], 'bytes', '-' .. f[4])
  end
end
return { whole(#gone) }
