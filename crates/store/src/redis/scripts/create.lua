-- KEYS meta, wf, log[, idempotency]. ARGV: now, origin, id, count, text, status, summary, title, task, principal,
-- pattern, priority, class, needs, reserved for, body, queue_max, blobs ...
local id, count = ARGV[3], tonumber(ARGV[4])
if KEYS[4] then
  local first = redis.call('GET', KEYS[4])
  if first then
    if redis.call('HGET', base .. 'wf:' .. first, 'ib') == ARGV[16] then return { 'existing', first } end
    return { 'mismatch' }
  end
end
if redis.call('EXISTS', KEYS[2]) == 1 then return { 'exists' } end
if ARGV[17] ~= '' then
  local queued = redis.call('HGET', KEYS[1], 'queued') or '0'
  if tonumber(queued) >= tonumber(ARGV[17]) then return { 'queue', queued } end
end

local reserved = ARGV[15]
if reserved ~= '' then redis.call('ZADD', base .. 'seen', 'GT', now + 15000, reserved) end
local number = redis.call('HINCRBY', KEYS[1], 'number', 1)
local head = whole(count)
local position = write(KEYS[3], id, head, count, '', ARGV[5])
written()
local w = { id = id, n = string.format('%016.0f', number), c = ARGV[13], r = reserved, y = tonumber(ARGV[12]) }
redis.call('HSET', KEYS[2], 'n', w.n, 'h', head, 'l', position, 'e', '0', 'a', '0', 'c', w.c, 'r', reserved, 'y', ARGV[12],
  't', ARGV[10], 'pa', ARGV[11], 'ne', ARGV[14], 'cr', whole(now), 'st', ARGV[6], 'su', ARGV[7], 'ti', ARGV[8], 'ta', ARGV[9], 'by', #ARGV[5])
if KEYS[4] then
  redis.call('SET', KEYS[4], id)
  redis.call('HSET', KEYS[2], 'ik', KEYS[4], 'ib', ARGV[16])
end
enqueue(w, now)
redis.call('ZADD', base .. 'all', number, id)
redis.call('ZADD', base .. 'by:' .. ARGV[10], number, id)
redis.call('ZADD', base .. 'open', number, id)
if redis.call('HINCRBY', base .. 'users', w.c, 1) == 1 then
  redis.call('HSET', base .. 'classes', w.c, ARGV[14])
  reclassed()
end
mark_used(ARGV[10], 17, #ARGV - 17)
tell(told('W', ARGV[2], head, id))
return { 'new', head }
