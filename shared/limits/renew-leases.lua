-- Extends leases, and makes those that are not there: no limit is checked (redis: "Limits").
--
-- KEYS     sorted sets of leases, see admit.lua
-- ARGV     ttl    ms until the leases expire
--          then, for each of the keys in turn, the number of members and the members
-- Result   1
if redis.replicate_commands then redis.replicate_commands() end

local ttl = tonumber(ARGV[1])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local expiry = string.format('%.0f', now + ttl)

local at = 2
for _, key in ipairs(KEYS) do
  local scored = {}
  for index = at + 1, at + tonumber(ARGV[at]) do
    table.insert(scored, expiry)
    table.insert(scored, ARGV[index])
  end
  at = at + 1 + tonumber(ARGV[at])
  redis.call('ZADD', key, unpack(scored))
  if redis.call('PTTL', key) < ttl then redis.call('PEXPIRE', key, ARGV[1]) end
end
return 1
