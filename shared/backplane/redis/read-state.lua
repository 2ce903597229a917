-- Reads the stream's state, with the clock that its times are by.
--
-- KEYS[1]  state, see append.lua
-- Result   {ms of Redis' clock, {fields and values}}
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
return {string.format('%.0f', now), redis.call('HGETALL', KEYS[1])}
