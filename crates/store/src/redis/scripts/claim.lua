-- KEYS meta. ARGV: now, worker, ttl, max, mode (able, own, only), version of the classes or empty for any, cluster_max
-- or empty, name of the claim, names of claims whose answers were lost, then classes or ids. Returns the version of the
-- classes, then id, epoch, head and attempt of each lease.
local me, ttl, max = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local FIRST = 10
-- Late leases and due workflows moved by one claim; the next one goes on.
local SWEPT_MAX = 100
-- Other workers' reservations looked at for each class, chosen anew each time.
local RESERVERS_MAX = 16
-- Leases looked at, the youngest first, for those nobody heard of.
local UNHEARD_MAX = 1000
-- Entries without a workflow that one claim drops.
local STALE_MAX = 1000

call('ZADD', base .. 'seen', 'GT', now + ttl, me)
local version = call('HGET', KEYS[1], 'classes') or '0'
local answer = { version }
if ARGV[6] ~= '' and ARGV[6] ~= version then return answer end

local function is_ready(w) return w.p == 'r' or ((w.p == 'l' or w.p == 'd') and w.at <= now) end

local given = 0
local function give(w)
  w.p = 'l'
  put(w)
  call('HSET', base .. 'wf:' .. w.id, 'at', whole(now + ttl), 'o', me, 'g', ARGV[8])
  call('ZADD', base .. 'leases', now + ttl, w.n .. w.id)
  for _, part in ipairs({ w.id, whole(w.e), w.h, whole(w.a) }) do answer[#answer + 1] = part end
  given = given + 1
end

local function lease(w)
  leave(w)
  w.e, w.a = math.max(w.e + 1, now), w.a + 1
  give(w)
end

-- What a claim gave whose answer was lost is given again as it was: nobody has tried to run it.
if ARGV[9] ~= '' then
  local unheard = {}
  for name in string.gmatch(ARGV[9], '%S+') do unheard[name] = true end
  local held = call('ZREVRANGEBYSCORE', base .. 'leases', '+inf', '(' .. whole(now), 'LIMIT', 0, UNHEARD_MAX)
  for _, member in ipairs(held) do
    if given >= max then return answer end
    local id = sub(member, 17)
    local by = call('HMGET', base .. 'wf:' .. id, 'o', 'g')
    if by[1] == me and by[2] and unheard[by[2]] then
      local w = look(id)
      if w.p == 'l' then give(w) end
    end
  end
end

if ARGV[7] ~= '' then
  local held = call('ZCOUNT', base .. 'leases', '(' .. whole(now), '+inf')
  max = math.min(max, given + tonumber(ARGV[7]) - held)
end

if ARGV[5] == 'only' then
  for i = FIRST, #ARGV do
    if given >= max then break end
    local w = look(ARGV[i])
    if w and is_ready(w) and (w.r == '' or w.r == me or not alive(w.r)) then lease(w) end
  end
  return answer
end

for _, member in ipairs(call('ZRANGEBYSCORE', base .. 'leases', '-inf', now, 'LIMIT', 0, SWEPT_MAX)) do
  local w = look(sub(member, 17))
  call('ZREM', base .. 'leases', member)
  if w and w.p == 'l' then queue(w, w.at - LATE) end
end
for _, member in ipairs(call('ZRANGEBYSCORE', base .. 'delayed', '-inf', now, 'LIMIT', 0, SWEPT_MAX)) do
  local w = look(sub(member, 17))
  call('ZREM', base .. 'delayed', member)
  if w and w.p == 'd' then
    queue(w, w.at - w.y * 60000)
    w.p = 'r'
    put(w)
  end
end

local fronts = {}
local function front(from)
  local found = call('ZRANGE', from, 0, 0, 'WITHSCORES')
  fronts[from] = found[1] and { member = found[1], score = tonumber(found[2]) } or nil
end

local own = call('SMEMBERS', base .. 'own:' .. me)
if ARGV[5] == 'own' then
  for _, class in ipairs(own) do front(base .. 'queue:' .. class .. ':' .. me) end
else
  local able = {}
  for i = FIRST, #ARGV do
    local class = ARGV[i]
    able[class] = true
    front(base .. 'queue:' .. class .. ':')
    for _, worker in ipairs(call('SRANDMEMBER', base .. 'reserved:' .. class, RESERVERS_MAX)) do
      if worker ~= me and not alive(worker) then front(base .. 'queue:' .. class .. ':' .. worker) end
    end
  end
  for _, class in ipairs(own) do
    if able[class] then front(base .. 'queue:' .. class .. ':' .. me) end
  end
end

local stale = 0
while given < max and stale < STALE_MAX do
  local best
  for from, first in pairs(fronts) do
    local than = best and fronts[best]
    if not best or first.score < than.score or (first.score == than.score and first.member < than.member) then
      best = from
    end
  end
  if not best then break end
  local member = fronts[best].member
  local w = look(sub(member, 17))
  if w and w.n == sub(member, 1, 16) and is_ready(w) and queue_of(w) == best then
    lease(w)
  else
    call('ZREM', best, member)
    -- A clock that was set back makes a late lease one in time again.
    if w and w.p == 'l' and w.at > now then call('ZADD', base .. 'leases', w.at, w.n .. w.id) end
    stale = stale + 1
  end
  if given < max then front(best) end
end
-- Those who wait for work forget the workers that are gone.
if given == 0 then call('ZREMRANGEBYSCORE', base .. 'seen', '-inf', now) end
return answer
