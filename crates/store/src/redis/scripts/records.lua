-- Longer texts get a key of their own, so that streams stay small.
local LARGE = 32768

-- Adds the records of one append, which end at `head`, to log and feed. A position is never used twice, also not after
-- a failover that lost some: it is at least the clock's microseconds. Returns the bytes of the workflow from now on, and
-- the position of its last record.
local function write(log, feed, id, head, count, name, text, bytes)
  local meta = redis.call('HMGET', KEYS[1], 'position', 'bytes')
  local position = whole(math.max(tonumber(meta[1] or 0) + count, micros))
  redis.call('HSET', KEYS[1], 'position', position, 'bytes', whole(tonumber(meta[2] or 0) + #text))
  local entry = head .. '-' .. position
  if #text > LARGE then
    redis.call('SET', base .. 'large:' .. position, text)
    redis.call('XADD', log, entry, 'n', count, 'a', name, 'b', #text)
  else
    redis.call('XADD', log, entry, 'n', count, 'a', name, 'd', text)
  end
  redis.call('XADD', feed, position .. '-0', 'i', id, 's', head)
  return whole(bytes + #text), position
end

-- Marks the blobs that records name, from ARGV[first] on, as used now.
local function mark_used(tenant, first)
  for i = first, #ARGV do
    redis.call('ZADD', base .. 'used:' .. tenant, 'XX', 'GT', now, ARGV[i])
  end
end

local function tell(kind, origin, head, id)
  redis.call('PUBLISH', base .. 'hints', kind .. origin .. ' ' .. head .. ' ' .. id)
end
