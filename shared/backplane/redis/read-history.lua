-- Reads one page of the history.
--
-- KEYS[1]  history, see append.lua
-- ARGV     after      ID after which the page begins
--          size       entries of a page
--          retention  ms after which an entry is left out; one without a time is never too old
-- Result   {number of the oldest entry, or '' when there is none,
--           ID after which the next page begins, or '' when this is the last one,
--           number of the page's last entry, or '' when the page is empty,
--           then number and envelope of each entry that is young enough, oldest first; empty where it has no envelope}
--          {'broken', 'history', what is wrong with that key}
local after, size, retention = unpack(ARGV)
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local function number_of(entry) return string.match(entry[1], '^%d+') end

local oldest = redis.pcall('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)
if oldest.err then
  if string.find(oldest.err, 'WRONGTYPE', 1, true) then return {'broken', 'history', 'it is no stream'} end
  return oldest
end
if #oldest == 0 then return {'', '', ''} end
local page = redis.call('XRANGE', KEYS[1], '(' .. after, '+', 'COUNT', size)
local last = page[#page]
local result = {number_of(oldest[1]), #page == tonumber(size) and last[1] or '', last and number_of(last) or ''}
for _, entry in ipairs(page) do
  if now - (tonumber(entry[2][2]) or now) <= tonumber(retention) then
    table.insert(result, number_of(entry))
    table.insert(result, entry[2][4] or '')
  end
end
return result
