-- KEYS meta, wf, log, feed. ARGV: now, origin, id, count, text, status, summary, title, task, expected, epoch or empty,
-- append id, after (k, q, w, f), not before or empty, finished or empty, progress (1) or not, lineage of the record at
-- expected or empty, blobs ... Returns where the last record is, and its lineage.
local f = redis.call('HMGET', KEYS[2], 'n', 'h', 'e', 'p', 'at', 'c', 'r', 'y', 't', 'by', 'ti', 'ta', 'a', 'l')
if not f[1] then return { 'unknown' } end
local head, expected, count = tonumber(f[2]), tonumber(ARGV[10]), tonumber(ARGV[4])
if head > expected then
  local found = redis.call('XRANGE', KEYS[3], whole(expected + 1), '+', 'COUNT', 1)[1]
  if found then
    local last, position = string.match(found[1], '^(%d+)-(%d+)$')
    if found[2][4] == ARGV[12] and tonumber(last) - tonumber(found[2][2]) == expected then
      return { 'again', last, position }
    end
  end
end
-- An end explains more than a lost lease, a lost lease more than a wrong position.
if f[4] == 'f' then return { 'terminal' } end
if ARGV[11] ~= '' and not (f[4] == 'l' and f[3] == ARGV[11]) then return { 'fenced' } end
if head < expected then return { 'regressed', f[2] } end
if head > expected then return { 'conflict', f[2] } end
-- As long as it was, and not what it was.
if ARGV[17] ~= '' and f[14] and f[14] ~= ARGV[17] then return { 'regressed', f[2] } end

local new = whole(expected + count)
local bytes, position = write(KEYS[3], KEYS[4], ARGV[3], new, count, ARGV[12], ARGV[5], tonumber(f[10]))
local after, attempt = ARGV[13], f[13]
if ARGV[16] == '1' then
  attempt = '0'
elseif after ~= 'k' and ARGV[11] ~= '' then
  attempt = whole(math.max(tonumber(attempt) - 1, 0))
end
redis.call('HSET', KEYS[2], 'h', new, 'l', position, 'st', ARGV[6], 'su', ARGV[7], 'a', attempt, 'by', bytes)
if f[11] ~= ARGV[8] or f[12] ~= ARGV[9] then redis.call('HSET', KEYS[2], 'ti', ARGV[8], 'ta', ARGV[9]) end

local kind = 'A'
if after ~= 'k' and (after == 'f' or ARGV[11] ~= '' or f[4] ~= 'l') then
  local w = { id = ARGV[3], n = f[1], p = f[4], at = tonumber(f[5]), c = f[6], r = f[7], y = tonumber(f[8]) }
  if after == 'q' then
    enqueue(w, math.max(tonumber(ARGV[14]) or now, now))
    kind = 'W'
  elseif after == 'w' then
    leave(w)
    redis.call('HSET', KEYS[2], 'p', 'w', 'at', whole(now), 'o', '')
  else
    leave(w)
    local ended = tonumber(ARGV[15]) or now
    redis.call('HSET', KEYS[2], 'p', 'f', 'at', whole(ended), 'o', '')
    redis.call('ZREM', base .. 'open', w.id)
    redis.call('ZADD', base .. 'done', ended, w.n .. w.id)
    redis.call('HINCRBY', KEYS[1], 'done', bytes)
    if redis.call('HINCRBY', base .. 'users', w.c, -1) < 1 then
      redis.call('HDEL', base .. 'users', w.c)
      redis.call('HDEL', base .. 'classes', w.c)
      reclassed()
    end
  end
end
mark_used(f[9], 18)
tell(kind, ARGV[2], new, ARGV[3])
return { 'ok', new, position, kind }
