-- Longer texts get a key of their own, so that streams stay small.
local LARGE = 32768

-- The position given last, the bytes of all logs, and what goes to the feed: `written` puts them there.
local position, total
local slots = {}

-- Adds the records of one append, which end at `head`, to log and feed. The entry is `count`, a space, 32 digits of the append's
-- id, a line's end, and the text. A position is never used twice, also not after a failover that lost some: it is at least the
-- clock's microseconds. Returns the position of the last record, and the bytes of text.
local function write(log, id, head, count, entry)
  if not position then
    local meta = call('HMGET', KEYS[1], 'position', 'bytes')
    position, total = tonumber(meta[1] or 0), tonumber(meta[2] or 0)
  end
  local last, size = math.max(position + count, micros), #entry - #count - 34
  local at = whole(last)
  if size > LARGE then
    call('SET', base .. 'large:' .. at, sub(entry, -size))
    entry = sub(entry, 1, -size - 2) .. ' ' .. size
  end
  call('XADD', log, head .. '-' .. at, '', entry)
  position, total = last, total + size
  slots[#slots + 1] = at
  slots[#slots + 1] = head .. ' ' .. id
  return at, size
end

-- Ends what `write` began.
local function written()
  if not position then return end
  local last = whole(position)
  call('HSET', KEYS[1], 'position', last, 'bytes', whole(total))
  if slots[1] then call('XADD', base .. 'feed', last .. '-0', unpack(slots)) end
end

-- Marks a blob that records name as used now.
local function mark_used(tenant, blob) call('ZADD', base .. 'used:' .. tenant, 'XX', 'GT', now, blob) end

-- How an append is told to other processes.
local function told(kind, origin, head, id) return kind .. origin .. ' ' .. head .. ' ' .. id end
local function tell(lines) call('PUBLISH', base .. 'hints', lines) end
