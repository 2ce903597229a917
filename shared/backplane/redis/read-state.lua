-- Reads the stream's state, with the clock that its times are by, and tells what would keep a publish from going in.
--
-- KEYS[1]  state, see append.lua
-- KEYS[2]  history
-- KEYS[3]  channel
-- ARGV     publish  PUBLISH, or SPUBLISH in a Cluster
-- Result   {'state', ms of Redis' clock, {fields and values}}
--          {'broken', 'state' | 'history', what is wrong with that key}
local fields = redis.pcall('HGETALL', KEYS[1])
if fields.err then
  if string.find(fields.err, 'WRONGTYPE', 1, true) then return {'broken', 'state', 'it is no hash'} end
  return fields
end
local history = redis.pcall('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)
if history.err then
  if string.find(history.err, 'WRONGTYPE', 1, true) then return {'broken', 'history', 'it is no stream'} end
  return history
end
-- Before Redis 7, a script cannot ask.
if redis.acl_check_cmd and not redis.acl_check_cmd(ARGV[1], KEYS[3], '') then
  return redis.error_reply("NOPERM the user may not publish to the stream's channel")
end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
return {'state', string.format('%.0f', now), fields}
