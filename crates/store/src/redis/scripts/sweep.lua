-- KEYS meta, trash, feed. ARGV: now, how many entries at most. Clears away logs of deleted workflows, and their places in
-- the feed. Returns whether there may be more.
local left = tonumber(ARGV[2])
while left > 0 do
  local number = redis.call('LINDEX', KEYS[2], 0)
  if not number then return { '0' } end
  local log = base .. 'gone:' .. number
  local entries = redis.call('XRANGE', log, '-', '+', 'COUNT', left)
  for _, entry in ipairs(entries) do
    local position = string.match(entry[1], '%d+$')
    redis.call('XDEL', KEYS[3], position .. '-0')
    if entry[2][5] == 'b' then redis.call('UNLINK', base .. 'large:' .. position) end
    redis.call('XDEL', log, entry[1])
  end
  if #entries < left then
    redis.call('UNLINK', log)
    redis.call('LPOP', KEYS[2])
  end
  left = left - #entries
end
return { '1' }
