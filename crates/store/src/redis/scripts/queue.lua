-- What every script knows: the clock, where a workflow is, and how it moves. ARGV[1] is the time in milliseconds, or
-- empty for Redis's own clock. KEYS[1] is `meta`; every other key begins as it does, so that one slot holds them all.
local base = string.sub(KEYS[1], 1, -5)
local micros
if ARGV[1] ~= '' then
  micros = tonumber(ARGV[1]) * 1000
else
  local time = redis.call('TIME')
  micros = time[1] * 1000000 + time[2]
end
local now = math.floor(micros / 1000)

-- A number as text: Lua would shorten a long one.
local function whole(number) return string.format('%d', number) end

-- Says that there are other classes than before. The number goes on growing after a failover that lost some of it.
local function reclassed()
  local version = tonumber(redis.call('HGET', KEYS[1], 'classes') or 0)
  redis.call('HSET', KEYS[1], 'classes', whole(math.max(version + 1, micros)))
end

-- Late leases stand before everything that is queued, in the order of their ends.
local LATE = 1e15

-- What a workflow's hash says of its place.
local function look(id)
  local f = redis.call('HMGET', base .. 'wf:' .. id, 'n', 'h', 'e', 'a', 'p', 'at', 'c', 'r', 'y', 'o')
  if not f[1] then return nil end
  return { id = id, n = f[1], h = f[2], e = tonumber(f[3]), a = tonumber(f[4]), p = f[5], at = tonumber(f[6]),
    c = f[7], r = f[8] or '', y = tonumber(f[9]), o = f[10] or '' }
end

local function queue_of(w) return base .. 'queue:' .. w.c .. ':' .. w.r end

local function queue(w, score)
  redis.call('ZADD', queue_of(w), score, w.n .. w.id)
  if w.r ~= '' then
    redis.call('SADD', base .. 'reserved:' .. w.c, w.r)
    redis.call('SADD', base .. 'own:' .. w.r, w.c)
  end
end

local function unqueue(w)
  local from = queue_of(w)
  redis.call('ZREM', from, w.n .. w.id)
  if w.r ~= '' and redis.call('EXISTS', from) == 0 then
    redis.call('SREM', base .. 'reserved:' .. w.c, w.r)
    redis.call('SREM', base .. 'own:' .. w.r, w.c)
  end
end

-- Takes it out of wherever it is. Whoever calls this writes the new place.
local function leave(w)
  if w.p == 'r' or w.p == 'd' then redis.call('HINCRBY', KEYS[1], 'queued', -1) end
  if w.p == 'r' then
    unqueue(w)
  elseif w.p == 'd' then
    redis.call('ZREM', base .. 'delayed', w.n .. w.id)
  elseif w.p == 'l' then
    redis.call('ZREM', base .. 'leases', w.n .. w.id)
    if w.at <= now then unqueue(w) end
  end
end

-- Into the queue, claimable from a moment on. A level of priority is worth a minute of waiting.
local function enqueue(w, at)
  leave(w)
  local place = 'r'
  if at > now then
    place = 'd'
    redis.call('ZADD', base .. 'delayed', at, w.n .. w.id)
  else
    queue(w, at - w.y * 60000)
  end
  redis.call('HSET', base .. 'wf:' .. w.id, 'p', place, 'at', whole(at), 'o', '')
  redis.call('HINCRBY', KEYS[1], 'queued', 1)
end

-- Whether a worker has lately claimed or renewed.
local function alive(worker)
  local seen = redis.call('ZSCORE', base .. 'seen', worker)
  return seen and tonumber(seen) > now
end
