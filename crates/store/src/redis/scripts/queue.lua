-- What every script knows: the clock, where a workflow is, and how it moves. ARGV[1] is the time in milliseconds, or
-- empty for Redis's own clock. KEYS[1] is `meta`; every other key begins as it does, so that one slot holds them all.
-- What is used for each of many is local: looking a name up costs.
local call, match, sub = redis.call, string.match, string.sub
local base = sub(KEYS[1], 1, -5)
local micros
if ARGV[1] ~= '' then
  micros = tonumber(ARGV[1]) * 1000
else
  local time = call('TIME')
  micros = time[1] * 1000000 + time[2]
end
local now = math.floor(micros / 1000)

-- A number as text: Lua would shorten a long one.
local function whole(number) return string.format('%d', number) end

-- Says that there are other classes than before. The number goes on growing after a failover that lost some of it.
local function reclassed()
  local version = tonumber(call('HGET', KEYS[1], 'classes') or 0)
  call('HSET', KEYS[1], 'classes', whole(math.max(version + 1, micros)))
end

-- Late leases stand before everything that is queued, in the order of their ends.
local LATE = 1e15

-- What changes with every append is in one hash of all workflows, so that one command reads or writes that of many: head, epoch,
-- place, attempt, bytes, lineage of the last record, mark of title and task, status, and what lists show.

-- A workflow, as far as its place goes.
local function look(id)
  local text = call('HGET', base .. 'state', id)
  if not text then return nil end
  local h, e, p, a = match(text, '^(%d+) (%d+) (%a) (%d+)')
  local f = call('HMGET', base .. 'wf:' .. id, 'n', 'at', 'c', 'r', 'y', 'o')
  return { id = id, h = h, e = tonumber(e), p = p, a = tonumber(a), rest = sub(text, #h + #e + #a + 6),
    n = f[1], at = tonumber(f[2]), c = f[3], r = f[4] or '', y = tonumber(f[5]), o = f[6] or '' }
end

-- Writes the place, epoch and attempt of one that was looked at.
local function put(w)
  local text = w.h .. ' ' .. whole(w.e) .. ' ' .. w.p .. ' ' .. whole(w.a) .. ' ' .. w.rest
  call('HSET', base .. 'state', w.id, text)
end

local function queue_of(w) return base .. 'queue:' .. w.c .. ':' .. w.r end

local function queue(w, score)
  call('ZADD', queue_of(w), score, w.n .. w.id)
  if w.r ~= '' then
    call('SADD', base .. 'reserved:' .. w.c, w.r)
    call('SADD', base .. 'own:' .. w.r, w.c)
  end
end

local function unqueue(w)
  local from = queue_of(w)
  call('ZREM', from, w.n .. w.id)
  if w.r ~= '' and call('EXISTS', from) == 0 then
    call('SREM', base .. 'reserved:' .. w.c, w.r)
    call('SREM', base .. 'own:' .. w.r, w.c)
  end
end

-- Takes it out of wherever it is. Whoever calls this puts the new place.
local function leave(w)
  if w.p == 'r' or w.p == 'd' then call('HINCRBY', KEYS[1], 'queued', -1) end
  if w.p == 'r' then
    unqueue(w)
  elseif w.p == 'd' then
    call('ZREM', base .. 'delayed', w.n .. w.id)
  elseif w.p == 'l' then
    call('ZREM', base .. 'leases', w.n .. w.id)
    if w.at <= now then unqueue(w) end
  end
end

-- Into the queue, claimable from a moment on. A level of priority is worth a minute of waiting. Returns the place it has now,
-- for the caller to put.
local function enqueue(w, at)
  leave(w)
  local place = 'r'
  if at > now then
    place = 'd'
    call('ZADD', base .. 'delayed', at, w.n .. w.id)
  else
    queue(w, at - w.y * 60000)
  end
  call('HSET', base .. 'wf:' .. w.id, 'at', whole(at), 'o', '')
  call('HINCRBY', KEYS[1], 'queued', 1)
  return place
end

-- Whether a worker has lately claimed or renewed.
local function alive(worker)
  local seen = call('ZSCORE', base .. 'seen', worker)
  return seen and tonumber(seen) > now
end
