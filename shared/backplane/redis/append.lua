-- Compare-and-append: puts a message into the stream while the state that it was decided on is still the stored one
-- (redis: "Publishing"). Scripts do not roll back: the history is written first, then the state, then the channel.
--
-- KEYS[1]  state, a hash:
--            version                         1; a release that changes what stands here raises it
--            epoch, sequence, token          of the newest message
--            previousEpoch, previousSequence of the epoch before
--            decided                         JSON that the ordering rules made; not looked into here
--            acceptedAt, flashblockAt        ms of Redis' clock
--            entries, bytes                  entries of the history and the bytes of their envelopes
--            recent                          newest contents, oldest first, each `HASH:MS:K `: 32 hex, 13 digits, f or o
--            publisher:INGEST START          `MS`, then its newest publishes, oldest first, each ` COUNTER:NUMBER:EPOCH:N`
--                                            with 16 digits, 16 digits, 32 hex, 1 where it opened the epoch
--          Fields that are not named here stay as they are. Where one that is named holds something else, the state counts
--          as missing, but for these: `recent` and `publisher:` that are not made of whole items are forgotten, and whoever
--          reads them passes over items that are none; `entries` and `bytes` that do not fit the history are counted anew.
--          Whatever is wrong is found before anything is written.
-- KEYS[2]  history, a stream: entries NUMBER-0 with the fields `time` (ms of Redis' clock) and `envelope`, in this order
-- KEYS[3]  channel; all three in one hash slot
-- ARGV     publish            PUBLISH, or SPUBLISH in a Cluster
--          publisher          `INGEST START`
--          counter            of the publish id
--          expected           token that the message was decided on; empty: decided on no state
--          token              token of the state that this publish makes
--          decided            JSON
--          highest            highest number that the ingest has seen
--          retention          ms
--          max_messages       entries in the history
--          max_bytes          bytes in the history
--          content            hash of the message's content
--          kind               f: flashblock, o: other
--          seed_epoch         epoch to open if one must be opened; empty: refuse then
--          seed_recent        contents known to the ingest, oldest first, each `HASH:AGE:K ` with the age in ms
--          seed_previous, seed_previous_sequence
--                             epoch before the seed's and its last number
--          max_recent, max_publishes, max_publishers
--                             how many contents, publishes of each ingest and ingests are remembered
--          forget_after       ms of silence after which an ingest is forgotten
--          head, tail         bytes of the envelope before and after its stamp
--          unreadable         token of a state in which the ingest could not read what was decided: it counts as missing;
--                             empty: none
-- Result   {'published' | 'repeated', epoch, number, '1' where it opened the epoch, else '0'}
--          {'missing' | 'expired' | 'behind' | 'moved', ms of Redis' clock, {fields and values of the state}}; with
--                             'missing' they are those of an unreadable state
--          {'version', version of the stored state} when this release cannot write it
--          {'broken', 'state' | 'history', what is wrong with that key} until somebody repairs it

-- Before Redis 7, a script that reads the clock may write only after this call.
if redis.replicate_commands then redis.replicate_commands() end

local publish, publisher, counter, expected, token, decided, highest, retention, max_messages, max_bytes, content, kind,
  seed_epoch, seed_recent, seed_previous, seed_previous_sequence, max_recent, max_publishes, max_publishers, forget_after,
  head, tail, unreadable = unpack(ARGV)
local state_key, history_key, channel = KEYS[1], KEYS[2], KEYS[3]
local RECENT_LENGTH, PUBLISH_LENGTH, TIME_LENGTH = 49, 69, 13
local PUBLISHER = 'publisher:'

-- Numbers are exact below this.
local LARGEST = 9007199254740991

-- tostring keeps 14 digits only.
local function whole(number) return string.format('%.0f', number) end

local function is_number(text)
  return text ~= nil and #text <= 16 and string.find(text, '^%d+$') ~= nil and tonumber(text) < LARGEST
end

local function is_id(text) return text ~= nil and #text == 32 and string.find(text, '^[0-9a-f]+$') ~= nil end

local DIGITS_16 = string.rep('%d', 16)
local PUBLISH = '^ ' .. DIGITS_16 .. ':(' .. DIGITS_16 .. '):(' .. string.rep('%x', 32) .. '):([01])'

local function id_bytes(id)
  if id == '' then return string.rep('\0', 16) end
  return (string.gsub(id, '%x%x', function(pair) return string.char(tonumber(pair, 16)) end))
end

local function number_bytes(number)
  return struct.pack('>I4I4', math.floor(number / 4294967296), number % 4294967296)
end

-- Bytes of an entry's envelope; one that somebody else added may have none.
local function size_of(entry) return #(entry[2][4] or '') end

-- Walks over the oldest entries until `visit` gives true or all were visited.
local function each_entry(count, visit)
  local after = '-'
  for _ = 1, count do
    local entry = redis.call('XRANGE', history_key, after, '+', 'COUNT', 1)[1]
    if entry == nil or visit(entry) then return end
    after = '(' .. entry[1]
  end
end

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local fields = redis.pcall('HGETALL', state_key)
if fields.err then
  if string.find(fields.err, 'WRONGTYPE', 1, true) then return {'broken', 'state', 'it is no hash'} end
  return fields
end
local state = {}
for i = 1, #fields, 2 do state[fields[i]] = fields[i + 1] end
if state.version ~= '1' and is_number(state.version) then return {'version', state.version} end
local stored = state.version == '1' and is_number(state.sequence) and is_number(state.acceptedAt) and is_id(state.epoch)
  and is_id(state.token) and state.token ~= unreadable
  and (state.previousEpoch == '' or is_id(state.previousEpoch)) and is_number(state.previousSequence)

-- Looks at the length alone: patterns over all of it would take longer than everything else here.
local function publishes_in(value)
  if value == nil or not is_number(string.sub(value, 1, TIME_LENGTH)) then return nil end
  return (#value - TIME_LENGTH) % PUBLISH_LENGTH == 0 and string.sub(value, TIME_LENGTH + 1) or nil
end

local publishes = publishes_in(state[PUBLISHER .. publisher]) or ''
local found = string.find(publishes, string.format(' %016.0f:', tonumber(counter)), 1, true)
if found then
  local _, _, number, epoch, opened = string.find(string.sub(publishes, found), PUBLISH)
  if number then return {'repeated', epoch, whole(tonumber(number)), opened} end
end

local sequence = is_number(state.sequence) and tonumber(state.sequence) or 0
local needs_epoch = (not stored and 'missing')
  or (now - tonumber(state.acceptedAt) > tonumber(retention) and 'expired')
  or (sequence < tonumber(highest) and 'behind')
if needs_epoch and seed_epoch == '' then return {needs_epoch, whole(now), fields} end
if stored and state.token ~= expected then return {'moved', whole(now), fields} end

local entries, last = 0, 0
if redis.call('EXISTS', history_key) == 1 then
  local info = redis.pcall('XINFO', 'STREAM', history_key)
  if info.err then
    if string.find(info.err, 'WRONGTYPE', 1, true) then return {'broken', 'history', 'it is no stream'} end
    return info
  end
  for i = 1, #info, 2 do
    if info[i] == 'length' then entries = info[i + 1] end
    if info[i] == 'last-generated-id' then last = tonumber(string.match(info[i + 1], '^%d+')) end
  end
end
if redis.acl_check_cmd and not redis.acl_check_cmd(publish, channel, '') then
  return redis.error_reply("NOPERM the user may not publish to the stream's channel")
end
if last >= LARGEST - 1 then return {'broken', 'history', 'its numbers are used up'} end

local bytes = tonumber(state.bytes)
if not (stored and is_number(state.bytes) and state.entries == whole(entries)) then
  bytes = 0
  each_entry(entries, function(entry) bytes = bytes + size_of(entry) end)
end

local number = math.max(sequence, last, tonumber(highest)) + 1
local epoch, previous, previous_sequence = state.epoch, state.previousEpoch, state.previousSequence
local recent, flashblock_at = state.recent or '', is_number(state.flashblockAt) and state.flashblockAt or nil
if not stored then flashblock_at = nil end
if #recent % RECENT_LENGTH ~= 0 then recent = '' end
if needs_epoch then
  epoch, previous, previous_sequence, recent = seed_epoch, seed_previous, seed_previous_sequence, ''
  for hash, age, what in string.gmatch(seed_recent, '(%x+):(%d+):(%a) ') do
    local at = math.max(0, now - tonumber(age))
    recent = recent .. string.format('%s:%013.0f:%s ', hash, at, what)
    if not stored and what == 'f' then flashblock_at = whole(at) end
  end
end

local stamp = id_bytes(epoch) .. number_bytes(number) .. id_bytes(previous) .. number_bytes(tonumber(previous_sequence))
local envelope = head .. stamp .. tail
redis.call('XADD', history_key, whole(number) .. '-0', 'time', whole(now), 'envelope', envelope)

bytes = bytes + #envelope
entries = entries + 1
local kept = entries
each_entry(entries - 1, function(entry)
  if kept <= tonumber(max_messages) and bytes <= tonumber(max_bytes) then return true end
  bytes = bytes - size_of(entry)
  kept = kept - 1
end)
if kept < entries then redis.call('XTRIM', history_key, 'MAXLEN', '=', kept) end

publishes = publishes
  .. string.format(' %016.0f:%016.0f:%s:%s', tonumber(counter), number, epoch, needs_epoch and '1' or '0')
recent = recent .. string.format('%s:%013.0f:%s ', content, now, kind)
if kind == 'f' then flashblock_at = whole(now) end
redis.call('HSET', state_key,
  'version', '1', 'epoch', epoch, 'sequence', whole(number), 'token', token,
  'previousEpoch', previous, 'previousSequence', previous_sequence, 'decided', decided,
  'acceptedAt', whole(now), 'entries', whole(kept), 'bytes', whole(bytes),
  'recent', string.sub(recent, -RECENT_LENGTH * tonumber(max_recent)),
  PUBLISHER .. publisher,
  string.format('%013.0f', now) .. string.sub(publishes, -PUBLISH_LENGTH * tonumber(max_publishes)))
if flashblock_at then
  redis.call('HSET', state_key, 'flashblockAt', flashblock_at)
else
  redis.call('HDEL', state_key, 'flashblockAt')
end

local others = {}
for field, value in pairs(state) do
  if string.sub(field, 1, #PUBLISHER) == PUBLISHER and field ~= PUBLISHER .. publisher then
    local at = publishes_in(value) and tonumber(string.sub(value, 1, TIME_LENGTH)) or 0
    table.insert(others, {field = field, at = at})
  end
end
table.sort(others, function(a, b) return a.at > b.at end)
for rank, other in ipairs(others) do
  if now - other.at > tonumber(forget_after) or rank >= tonumber(max_publishers) then
    redis.call('HDEL', state_key, other.field)
  end
end

redis.call(publish, channel, envelope)
return {'published', epoch, whole(number), needs_epoch and '1' or '0'}
