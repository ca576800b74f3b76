-- Longer texts get a key of their own, so that streams stay small.
local LARGE = 32768

-- The position given last, the bytes of all logs, and what goes to the feed: `written` puts them there.
local position, total
local slots = {}

-- Adds the records of one append, which end at `head`, to log and feed. A position is never used twice, also not after
-- a failover that lost some: it is at least the clock's microseconds. Returns the position of the last record.
local function write(log, id, head, count, name, text)
  if not position then
    local meta = redis.call('HMGET', KEYS[1], 'position', 'bytes')
    position, total = tonumber(meta[1] or 0), tonumber(meta[2] or 0)
  end
  local last = math.max(position + count, micros)
  local at = whole(last)
  if #text > LARGE then
    redis.call('SET', base .. 'large:' .. at, text)
    redis.call('XADD', log, head .. '-' .. at, count .. ' ' .. name .. ' ' .. #text, '')
  else
    redis.call('XADD', log, head .. '-' .. at, count .. ' ' .. name, text)
  end
  position, total = last, total + #text
  slots[#slots + 1] = at
  slots[#slots + 1] = head .. ' ' .. id
  return at
end

-- Ends what `write` began.
local function written()
  if not position then return end
  local last = whole(position)
  redis.call('HSET', KEYS[1], 'position', last, 'bytes', whole(total))
  if slots[1] then redis.call('XADD', base .. 'feed', last .. '-0', unpack(slots)) end
end

-- Marks the blobs that records name, `count` of ARGV after place `at`, as used now.
local function mark_used(tenant, at, count)
  for i = at + 1, at + count do
    redis.call('ZADD', base .. 'used:' .. tenant, 'XX', 'GT', now, ARGV[i])
  end
end

-- How an append is told to other processes.
local function told(kind, origin, head, id) return kind .. origin .. ' ' .. head .. ' ' .. id end
local function tell(lines) redis.call('PUBLISH', base .. 'hints', lines) end
