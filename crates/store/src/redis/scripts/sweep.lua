-- KEYS meta, trash, feed. ARGV: now, how many entries at most. Clears away logs of deleted workflows, and their places in
-- the feed. Returns whether there may be more.

-- Drops the entry of the feed that has a position, unless another workflow that is still there has one in it too.
local function forget(position)
  local entry = call('XRANGE', KEYS[3], position .. '-0', '+', 'COUNT', 1)[1]
  if not entry then return end
  local has_it = false
  for i = 1, #entry[2], 2 do
    if call('EXISTS', base .. 'wf:' .. match(entry[2][i + 1], ' (.*)')) == 1 then return end
    has_it = has_it or entry[2][i] == position
  end
  if has_it then call('XDEL', KEYS[3], entry[1]) end
end

local left = tonumber(ARGV[2])
while left > 0 do
  local number = call('LINDEX', KEYS[2], 0)
  if not number then return { '0' } end
  local log = base .. 'gone:' .. number
  local entries = call('XRANGE', log, '-', '+', 'COUNT', left)
  for _, entry in ipairs(entries) do
    local position = match(entry[1], '%d+$')
    forget(position)
    if string.find(entry[2][2], '^%d+ %x+ %d+$') then call('UNLINK', base .. 'large:' .. position) end
    call('XDEL', log, entry[1])
  end
  if #entries < left then
    call('UNLINK', log)
    call('LPOP', KEYS[2])
  end
  left = left - #entries
end
return { '1' }
