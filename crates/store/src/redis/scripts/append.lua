-- KEYS meta, then wf and log of each append. ARGV: now, origin, then for each five: a line, entry, summary, title, task. The
-- line is: count, expected, epoch or nothing, status, after (k, q, w, f), when it ended or may go on or nothing, progress (1) or
-- not, lineage of the record at expected or nothing, mark of title and task, and the blobs it names, each after a space. A line
-- costs less than ten arguments. The entry is as the log keeps it: the count, a space, the append's id, and after a line's end the
-- text. Returns for each a line: what became of it, the head and its lineage, and how it is told; one that breaks takes no other
-- along.
local LINE = '^(%d+) (%d+) (%d*) (%a+) (%a) (%d*) (%d) (%d*) (%x+)(.*)$'
local STATE = '^(%d+) (%d+) (%a) (%d+) (%d+) (%d+) (%x+) '
-- By id, what is in `state` or will be; then ids and texts of what will be, and what is told.
local state, puts, says = {}, {}, {}

-- Takes the workflow to where it is after its append. Returns its place, and how that is told.
local function move(w, after, at, bytes)
  if after == 'q' then return enqueue(w, math.max(at, now)), 'W' end
  leave(w)
  call('HSET', base .. 'wf:' .. w.id, 'at', whole(at), 'o', '')
  if after == 'f' then
    call('ZREM', base .. 'open', w.id)
    call('ZADD', base .. 'done', at, w.n .. w.id)
    call('HINCRBY', KEYS[1], 'done', bytes)
    if call('HINCRBY', base .. 'users', w.c, -1) < 1 then
      call('HDEL', base .. 'users', w.c)
      call('HDEL', base .. 'classes', w.c)
      reclassed()
    end
  end
  return after, 'A'
end

-- The append whose arguments follow place `i`.
local function append(id, wf, log, i)
  local count, expected, epoch, status, after, moment, progress, lineage, mark, blobs = match(ARGV[i + 1], LINE)
  if not state[id] then return 'unknown' end
  local h, e, place, attempt, bytes, l, m = match(state[id], STATE)
  local entry, head, expected = ARGV[i + 2], tonumber(h), tonumber(expected)
  if head > expected then
    local found = call('XRANGE', log, whole(expected + 1), '+', 'COUNT', 1)[1]
    if found then
      local last, position = match(found[1], '^(%d+)-(%d+)$')
      local records, by = match(found[2][2], '^(%d+) (%x*)')
      if sub(entry, #count + 2, #count + 33) == by and tonumber(last) - tonumber(records) == expected then
        return 'again ' .. last .. ' ' .. position
      end
    end
  end
  -- An end explains more than a lost lease, a lost lease more than a wrong position.
  if place == 'f' then return 'terminal' end
  if epoch ~= '' and not (place == 'l' and e == epoch) then return 'fenced' end
  if head < expected then return 'regressed ' .. h end
  if head > expected then return 'conflict ' .. h end
  -- As long as it was, and not what it was.
  if lineage ~= '' and l ~= lineage then return 'regressed ' .. h end
  local tenant = blobs ~= '' and call('HGET', wf, 't')
  if tenant and epoch ~= '' then
    -- An owner has put what it names. When a failover has lost that, nobody could read the record.
    for blob in string.gmatch(blobs, '%S+') do
      if call('EXISTS', base .. 'blob:' .. blob .. ':' .. tenant) == 0 then return 'regressed ' .. h end
    end
  end

  local new = whole(expected + count)
  local at, size = write(log, id, new, count, entry)
  bytes = whole(bytes + size)
  if progress == '1' then
    attempt = '0'
  elseif after ~= 'k' and epoch ~= '' then
    attempt = whole(math.max(tonumber(attempt) - 1, 0))
  end
  local kind = 'A'
  if after ~= 'k' and (after == 'f' or epoch ~= '' or place ~= 'l') then
    local f = call('HMGET', wf, 'n', 'at', 'c', 'r', 'y')
    local w = { id = id, n = f[1], p = place, at = tonumber(f[2]), c = f[3], r = f[4], y = tonumber(f[5]) }
    place, kind = move(w, after, tonumber(moment) or now, bytes)
  end
  if mark ~= m then call('HSET', wf, 'ti', ARGV[i + 4], 'ta', ARGV[i + 5]) end
  local text = new .. ' ' .. e .. ' ' .. place .. ' ' .. attempt .. ' ' .. bytes .. ' ' .. at .. ' ' .. mark .. ' ' .. status .. ' '
    .. ARGV[i + 3]
  state[id], puts[#puts + 1], puts[#puts + 2] = text, id, text
  if tenant then
    for blob in string.gmatch(blobs, '%S+') do mark_used(tenant, blob) end
  end
  says[#says + 1] = told(kind, ARGV[2], new, id)
  return 'ok ' .. new .. ' ' .. at .. ' ' .. kind
end

local ids, answers = {}, {}
for i = 2, #KEYS, 2 do ids[#ids + 1] = sub(KEYS[i], #base + 4) end
for i, text in ipairs(call('HMGET', base .. 'state', unpack(ids))) do state[ids[i]] = text end
for i, id in ipairs(ids) do
  local whole_way, answer = pcall(append, id, KEYS[i * 2], KEYS[i * 2 + 1], (i - 1) * 5 + 2)
  answers[i] = whole_way and answer or 'broken ' .. tostring(type(answer) == 'table' and answer.err or answer)
end
if puts[1] then call('HSET', base .. 'state', unpack(puts)) end
written()
if says[1] then tell(table.concat(says, '\n')) end
return answers
