-- Reads one page of the history.
--
-- KEYS[1]  history, see append.lua
-- ARGV     after      number after which the page begins
--          size       entries of a page
--          retention  ms after which an entry is left out
-- Result   {number of the oldest entry, or '' when there is none,
--           number after which the next page begins, or '' when this is the last one,
--           then number and envelope of each entry that is young enough, oldest first}
local after, size, retention = unpack(ARGV)
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local function number_of(entry) return string.match(entry[1], '^%d+') end

local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)
if #oldest == 0 then return {'', ''} end
local page = redis.call('XRANGE', KEYS[1], '(' .. after .. '-0', '+', 'COUNT', size)
local result = {number_of(oldest[1]), #page == tonumber(size) and number_of(page[#page]) or ''}
for _, entry in ipairs(page) do
  if now - tonumber(entry[2][2]) <= tonumber(retention) then
    table.insert(result, number_of(entry))
    table.insert(result, entry[2][4])
  end
end
return result
