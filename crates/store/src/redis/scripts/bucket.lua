-- KEYS meta, bucket. ARGV: now, what is asked (take, look, give, leave), amount, and for a take how many milliseconds it may wait,
-- for look and leave the place; then capacity and flow in each second. Returns whether it was done, what is held, what was taken.
local amount, more, capacity, flow = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local before = call('HMGET', KEYS[2], 'held', 'at', 'taken')
local held, taken = capacity, tonumber(before[3] or 0)
if before[1] then
  local passed = math.max(now - tonumber(before[2]), 0) / 1000
  held = math.min(tonumber(before[1]) + passed * flow, capacity)
end
local done = true
if ARGV[2] == 'take' then
  local missing = math.min(amount, capacity) - held
  -- A hair of rounding is no reason to wait; at least a millisecond is.
  if missing > 1e-6 then done = flow > 0 and math.max(missing / flow * 1000, 1) <= more + 1e-6 end
  if done then held, taken = held - amount, taken + amount end
elseif ARGV[2] == 'give' then
  held = math.min(held + amount, capacity)
elseif ARGV[2] == 'leave' then
  done = taken == more
  if done then held, taken = math.min(held + amount, capacity), math.max(taken - amount, 0) end
end
local text, sum = string.format('%.17g', held), string.format('%.17g', taken)
call('HSET', KEYS[2], 'held', text, 'at', whole(now), 'taken', sum)
-- A full bucket is as good as a new one. A clock that is turned by hand says nothing of Redis's.
if ARGV[1] == '' then
  local full = flow > 0 and (capacity - held) / flow * 1000 + 1 or 1e15
  if full < 1e12 then call('PEXPIRE', KEYS[2], whole(math.ceil(full))) else call('PERSIST', KEYS[2]) end
end
return { done and 'done' or 'not', text, sum }
