-- Compare-and-append: puts a message into the stream while the state that it was decided on is still the stored one
-- (redis: "Publishing"). Scripts do not roll back: the history is written first, then the state, then the channel.
--
-- KEYS[1]  state, a hash:
--            version                         1; a release that changes what stands here raises it
--            epoch, sequence, token          of the newest message
--            previousEpoch, previousSequence of the epoch before
--            decided                         JSON that the ordering rules made; not looked into here
--            acceptedAt, flashblockAt        ms of Redis' clock
--            bytes                           bytes of the envelopes in the history
--            recent                          newest contents, oldest first, each `HASH:MS:K `: 32 hex, 13 digits, f or o
--            publisher:INGEST START          `MS`, then its newest publishes, oldest first, each ` COUNTER:NUMBER:EPOCH:N`
--                                            with 16 digits, 16 digits, 32 hex, 1 where it opened the epoch
--          Fields that are not named here stay as they are.
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
-- Result   {'published' | 'repeated', epoch, number, '1' where it opened the epoch, else '0'}
--          {'missing' | 'expired' | 'behind' | 'moved', ms of Redis' clock, {fields and values of the state}}
--          {'version', version of the stored state} when this release cannot write it

-- Before Redis 7, a script that reads the clock may write only after this call.
if redis.replicate_commands then redis.replicate_commands() end

local publish, publisher, counter, expected, token, decided, highest, retention, max_messages, max_bytes, content, kind,
  seed_epoch, seed_recent, seed_previous, seed_previous_sequence, max_recent, max_publishes, max_publishers, forget_after,
  head, tail = unpack(ARGV)
local state_key, history_key, channel = KEYS[1], KEYS[2], KEYS[3]
local RECENT_LENGTH, PUBLISH_LENGTH, TIME_LENGTH = 49, 69, 13
local PUBLISHER = 'publisher:'

-- tostring keeps 14 digits only.
local function whole(number) return string.format('%.0f', number) end

local function id_bytes(id)
  if id == '' then return string.rep('\0', 16) end
  return (string.gsub(id, '%x%x', function(pair) return string.char(tonumber(pair, 16)) end))
end

local function number_bytes(number)
  return struct.pack('>I4I4', math.floor(number / 4294967296), number % 4294967296)
end

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local fields = redis.call('HGETALL', state_key)
local state = {}
for i = 1, #fields, 2 do state[fields[i]] = fields[i + 1] end
local stored = state.sequence ~= nil
if stored and state.version ~= '1' then return {'version', state.version or ''} end

local publishes = state[PUBLISHER .. publisher] or string.rep('0', TIME_LENGTH)
local _, found = string.find(publishes, string.format(' %016.0f:', tonumber(counter)), 1, true)
if found then
  local number = string.sub(publishes, found + 1, found + 16)
  local epoch = string.sub(publishes, found + 18, found + 49)
  return {'repeated', epoch, whole(tonumber(number)), string.sub(publishes, found + 51, found + 51)}
end

local sequence = tonumber(state.sequence or 0)
local needs_epoch = (not stored and 'missing')
  or (now - tonumber(state.acceptedAt) > tonumber(retention) and 'expired')
  or (sequence < tonumber(highest) and 'behind')
if needs_epoch and seed_epoch == '' then return {needs_epoch, whole(now), fields} end
if stored and state.token ~= expected then return {'moved', whole(now), fields} end

local entries, last = 0, 0
if redis.call('EXISTS', history_key) == 1 then
  local info = redis.call('XINFO', 'STREAM', history_key)
  for i = 1, #info, 2 do
    if info[i] == 'length' then entries = info[i + 1] end
    if info[i] == 'last-generated-id' then last = tonumber(string.match(info[i + 1], '^%d+')) end
  end
end

local bytes = 0
if stored and entries > 0 then
  bytes = tonumber(state.bytes)
elseif entries > 0 then
  local after = '-'
  for _ = 1, entries do
    local entry = redis.call('XRANGE', history_key, after, '+', 'COUNT', 1)[1]
    bytes = bytes + #entry[2][4]
    after = '(' .. entry[1]
  end
end

local number = math.max(sequence, last, tonumber(highest)) + 1
local epoch, previous, previous_sequence = state.epoch, state.previousEpoch, state.previousSequence
local recent, flashblock_at = state.recent or '', state.flashblockAt
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
local kept, after = entries, '-'
while kept > 1 and (kept > tonumber(max_messages) or bytes > tonumber(max_bytes)) do
  local entry = redis.call('XRANGE', history_key, after, '+', 'COUNT', 1)[1]
  bytes = bytes - #entry[2][4]
  after = '(' .. entry[1]
  kept = kept - 1
end
if kept < entries then redis.call('XTRIM', history_key, 'MAXLEN', '=', kept) end

publishes = string.sub(publishes, TIME_LENGTH + 1)
  .. string.format(' %016.0f:%016.0f:%s:%s', tonumber(counter), number, epoch, needs_epoch and '1' or '0')
recent = recent .. string.format('%s:%013.0f:%s ', content, now, kind)
if kind == 'f' then flashblock_at = whole(now) end
redis.call('HSET', state_key,
  'version', '1', 'epoch', epoch, 'sequence', whole(number), 'token', token,
  'previousEpoch', previous, 'previousSequence', previous_sequence, 'decided', decided,
  'acceptedAt', whole(now), 'bytes', whole(bytes),
  'recent', string.sub(recent, -RECENT_LENGTH * tonumber(max_recent)),
  PUBLISHER .. publisher,
  string.format('%013.0f', now) .. string.sub(publishes, -PUBLISH_LENGTH * tonumber(max_publishes)))
if flashblock_at then redis.call('HSET', state_key, 'flashblockAt', flashblock_at) end

local others = {}
for field, value in pairs(state) do
  if string.sub(field, 1, #PUBLISHER) == PUBLISHER and field ~= PUBLISHER .. publisher then
    table.insert(others, {field = field, at = tonumber(string.sub(value, 1, TIME_LENGTH))})
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
