-- KEYS meta, bucket. ARGV: now, amount, capacity, flow in each second. Returns whether it was taken and what is held now.
local amount, capacity, flow = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local before = redis.call('HMGET', KEYS[2], 'held', 'at')
local held = capacity
if before[1] then
  local passed = math.max(now - tonumber(before[2]), 0) / 1000
  held = math.min(tonumber(before[1]) + passed * flow, capacity)
end
local taken = held >= math.min(amount, capacity)
if taken then held = held - amount end
local text = string.format('%.17g', held)
redis.call('HSET', KEYS[2], 'held', text, 'at', whole(now))
-- A full bucket is as good as a new one. A clock that is turned by hand says nothing of Redis's.
if ARGV[1] == '' then
  local full = flow > 0 and (capacity - held) / flow * 1000 + 1 or 1e15
  if full < 1e12 then redis.call('PEXPIRE', KEYS[2], whole(math.ceil(full))) else redis.call('PERSIST', KEYS[2]) end
end
return { taken and '1' or '0', text }
