-- KEYS meta. ARGV: now, then of a retention, each empty if it does not matter: the moment before which they ended, how many
-- may be left, how many bytes of them may be; then how many at most. Deletes those that ended first; their logs are renamed
-- and cleared away by other scripts. Returns how many.
local before, count_max, bytes_max = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local gone = 0
while gone < tonumber(ARGV[5]) do
  local first = call('ZRANGE', base .. 'done', 0, 0, 'WITHSCORES')
  if not first[1] then break end
  local goes = (before and tonumber(first[2]) < before)
    or (count_max and call('ZCARD', base .. 'done') > count_max)
    or (bytes_max and tonumber(call('HGET', KEYS[1], 'done') or 0) > bytes_max)
  if not goes then break end
  local number, id = sub(first[1], 1, 16), sub(first[1], 17)
  local wf, log = base .. 'wf:' .. id, base .. 'log:' .. id
  local f = call('HMGET', wf, 'n', 't', 'ik')
  call('ZREM', base .. 'done', first[1])
  if f[1] == number then
    if call('EXISTS', log) == 1 then
      call('RENAME', log, base .. 'gone:' .. number)
      call('RPUSH', base .. 'trash', number)
    end
    if f[3] then call('DEL', f[3]) end
    local bytes = match(call('HGET', base .. 'state', id), '^%d+ %d+ %a %d+ (%d+)')
    call('UNLINK', wf)
    call('HDEL', base .. 'state', id)
    call('ZREM', base .. 'all', id)
    call('ZREM', base .. 'by:' .. f[2], id)
    call('HINCRBY', KEYS[1], 'bytes', '-' .. bytes)
    call('HINCRBY', KEYS[1], 'done', '-' .. bytes)
  end
  gone = gone + 1
end
return { whole(gone) }
