-- Takes leases away. What is not there is passed over.
--
-- KEYS     sorted sets of leases, see admit.lua
-- ARGV     for each of the keys in turn, the number of members and the members
-- Result   1
local at = 1
for _, key in ipairs(KEYS) do
  local last = at + tonumber(ARGV[at])
  redis.call('ZREM', key, unpack(ARGV, at + 1, last))
  at = last + 1
end
return 1
