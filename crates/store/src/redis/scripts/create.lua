-- KEYS meta, wf, log[, idempotency]. ARGV: now, origin, id, count, entry, status, summary, title, task, principal,
-- pattern, priority, class, needs, reserved for, body, queue_max, mark of title and task, blobs ...
local id, head = ARGV[3], ARGV[4]
if KEYS[4] then
  local first = call('GET', KEYS[4])
  if first then
    if call('HGET', base .. 'wf:' .. first, 'ib') == ARGV[16] then return { 'existing', first } end
    return { 'mismatch' }
  end
end
if call('EXISTS', KEYS[2]) == 1 then return { 'exists' } end
if ARGV[17] ~= '' then
  local queued = call('HGET', KEYS[1], 'queued') or '0'
  if tonumber(queued) >= tonumber(ARGV[17]) then return { 'queue', queued } end
end

local reserved = ARGV[15]
if reserved ~= '' then call('ZADD', base .. 'seen', 'GT', now + 15000, reserved) end
local number = call('HINCRBY', KEYS[1], 'number', 1)
local position, size = write(KEYS[3], id, head, head, ARGV[5])
written()
local w = { id = id, n = string.format('%016.0f', number), c = ARGV[13], r = reserved, y = tonumber(ARGV[12]) }
call('HSET', KEYS[2], 'n', w.n, 'c', w.c, 'r', reserved, 'y', ARGV[12], 't', ARGV[10], 'pa', ARGV[11], 'ne', ARGV[14],
  'cr', whole(now), 'ti', ARGV[8], 'ta', ARGV[9])
if KEYS[4] then
  call('SET', KEYS[4], id)
  call('HSET', KEYS[2], 'ik', KEYS[4], 'ib', ARGV[16])
end
local place = enqueue(w, now)
call('HSET', base .. 'state', id,
  head .. ' 0 ' .. place .. ' 0 ' .. size .. ' ' .. position .. ' ' .. ARGV[18] .. ' ' .. ARGV[6] .. ' ' .. ARGV[7])
call('ZADD', base .. 'all', number, id)
call('ZADD', base .. 'by:' .. ARGV[10], number, id)
call('ZADD', base .. 'open', number, id)
if call('HINCRBY', base .. 'users', w.c, 1) == 1 then
  call('HSET', base .. 'classes', w.c, ARGV[14])
  reclassed()
end
for i = 19, #ARGV do mark_used(ARGV[10], ARGV[i]) end
tell(told('W', ARGV[2], head, id))
return { 'new', head }
