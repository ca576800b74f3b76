-- KEYS meta, then wf and log of each append. ARGV: now, origin, then for each: id, count, text, status, summary, title,
-- task, expected, epoch or empty, append id, after (k, q, w, f), when it ended or may go on or empty, progress (1) or not, lineage
-- of the record at expected or empty, how many blobs, and those. Returns for each what became of it, with the head and its
-- lineage; one that breaks takes no other along.
local says = {}

-- Takes the workflow to where it is after its append, and says how that is told; its hash is written by the caller,
-- unless it is queued.
local function move(w, after, at, bytes)
  if after == 'q' then
    enqueue(w, math.max(at, now))
    return 'W'
  end
  leave(w)
  if after == 'f' then
    redis.call('ZREM', base .. 'open', w.id)
    redis.call('ZADD', base .. 'done', at, w.n .. w.id)
    redis.call('HINCRBY', KEYS[1], 'done', bytes)
    if redis.call('HINCRBY', base .. 'users', w.c, -1) < 1 then
      redis.call('HDEL', base .. 'users', w.c)
      redis.call('HDEL', base .. 'classes', w.c)
      reclassed()
    end
  end
  return 'A'
end

-- The append whose arguments follow place `i`.
local function append(wf, log, i)
  local id, text, epoch, name, after = ARGV[i + 1], ARGV[i + 3], ARGV[i + 9], ARGV[i + 10], ARGV[i + 11]
  local f = redis.call('HMGET', wf, 'h', 'e', 'p', 'a', 'by', 'ti', 'ta', 'l', 'n', 'at', 'c', 'r', 'y', 't')
  if not f[1] then return { 'unknown' } end
  local head, expected, count = tonumber(f[1]), tonumber(ARGV[i + 8]), tonumber(ARGV[i + 2])
  if head > expected then
    local found = redis.call('XRANGE', log, whole(expected + 1), '+', 'COUNT', 1)[1]
    if found then
      local last, position = string.match(found[1], '^(%d+)-(%d+)$')
      local records, by = string.match(found[2][1], '^(%d+) (%x*)')
      if by == name and tonumber(last) - tonumber(records) == expected then return { 'again', last, position } end
    end
  end
  -- An end explains more than a lost lease, a lost lease more than a wrong position.
  if f[3] == 'f' then return { 'terminal' } end
  if epoch ~= '' and not (f[3] == 'l' and f[2] == epoch) then return { 'fenced' } end
  if head < expected then return { 'regressed', f[1] } end
  if head > expected then return { 'conflict', f[1] } end
  -- As long as it was, and not what it was.
  if ARGV[i + 14] ~= '' and f[8] and f[8] ~= ARGV[i + 14] then return { 'regressed', f[1] } end
  -- An owner has put what it names. When a failover has lost that, nobody could read the record.
  for b = i + 16, epoch ~= '' and i + 15 + tonumber(ARGV[i + 15]) or 0 do
    if redis.call('EXISTS', base .. 'blob:' .. ARGV[b] .. ':' .. f[14]) == 0 then return { 'regressed', f[1] } end
  end

  local new, bytes = whole(expected + count), whole(tonumber(f[5]) + #text)
  local at = write(log, id, new, count, name, text)
  local kind, moves = 'A', after ~= 'k' and (after == 'f' or epoch ~= '' or f[3] ~= 'l')
  local attempt = f[4]
  if ARGV[i + 13] == '1' then
    attempt = '0'
  elseif after ~= 'k' and epoch ~= '' then
    attempt = whole(math.max(tonumber(attempt) - 1, 0))
  end
  local moment = tonumber(ARGV[i + 12]) or now
  if moves then
    local w = { id = id, n = f[9], p = f[3], at = tonumber(f[10]), c = f[11], r = f[12], y = tonumber(f[13]) }
    kind = move(w, after, moment, bytes)
  end
  if moves and after ~= 'q' then
    redis.call('HSET', wf, 'h', new, 'l', at, 'st', ARGV[i + 4], 'su', ARGV[i + 5], 'by', bytes, 'a', attempt,
      'p', after, 'at', whole(moment), 'o', '')
  elseif attempt ~= f[4] then
    redis.call('HSET', wf, 'h', new, 'l', at, 'st', ARGV[i + 4], 'su', ARGV[i + 5], 'by', bytes, 'a', attempt)
  else
    redis.call('HSET', wf, 'h', new, 'l', at, 'st', ARGV[i + 4], 'su', ARGV[i + 5], 'by', bytes)
  end
  if f[6] ~= ARGV[i + 6] or f[7] ~= ARGV[i + 7] then redis.call('HSET', wf, 'ti', ARGV[i + 6], 'ta', ARGV[i + 7]) end

  mark_used(f[14], i + 15, tonumber(ARGV[i + 15]))
  says[#says + 1] = told(kind, ARGV[2], new, id)
  return { 'ok', new, at, kind }
end

local answers, place = {}, 2
for i = 2, #KEYS, 2 do
  local whole_way, answer = pcall(append, KEYS[i], KEYS[i + 1], place)
  answers[#answers + 1] = whole_way and answer or { 'broken', tostring(type(answer) == 'table' and answer.err or answer) }
  place = place + 15 + tonumber(ARGV[place + 15])
end
written()
if says[1] then tell(table.concat(says, '\n')) end
return answers
