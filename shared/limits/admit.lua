-- Admits connections, one after the other, or says for each which limit it would exceed (redis: "Limits"). A refusal changes
-- nothing but the rate.
--
-- KEYS     for each connection in turn
--            rate of the IP, a string: when its next connection would be due if all came evenly, us of Redis' clock (GCRA)
--            leases of the IP, a sorted set: members are connections, scores the ms of Redis' clock at which they expire
--            leases of the application, of the same kind
--          all in one hash slot
-- ARGV     ttl                  ms until the leases expire
--          then, for each connection in turn
--            member             names the connection, and no other one ever
--            interval           us between two connections of an IP; 0: any rate
--            burst              connections of an IP that may come at once
--            ip_limit           connections of the IP; empty: any number, and no lease
--            application_limit  connections of the application; empty: any number, and no lease
-- Result   for each connection in turn
--            0                  admitted
--            above 0            the rate of the IP: ms until a connection of the IP is due
--            -1 | -2            the leases of the IP | of the application are as many as the limit

-- Before Redis 7, a script that reads the clock may write only after this call.
if redis.replicate_commands then redis.replicate_commands() end

local KEYS_EACH, ARGV_EACH = 3, 5
local ADMITTED, IP, APPLICATION = 0, -1, -2
local ttl = tonumber(ARGV[1])

-- tostring keeps 14 digits only.
local function whole(number) return string.format('%.0f', number) end

local time = redis.call('TIME')
local now_us = tonumber(time[1]) * 1000000 + tonumber(time[2])
local now = math.floor(now_us / 1000)
local now_text, expiry = whole(now), whole(now + ttl)

-- Sets that hold nothing expired, and sets that live as long as a lease: once for all connections, as the clock stands still.
local swept, extended = {}, {}

-- How early a connection comes, in us; above 0 it is too early.
local function early_by(key, interval, burst)
  local most = burst * interval
  local due = tonumber(redis.call('GET', key) or '0')
  -- Not further ahead than any burst could have brought it: a failover may set the clock back.
  due = math.max(now_us, math.min(due, now_us + most)) + interval
  local early = due - most - now_us
  if early <= 0 then redis.call('SET', key, whole(due), 'PX', whole(math.ceil((due - now_us) / 1000))) end
  return early
end

local function is_full(key, limit)
  if limit == '' then return false end
  if not swept[key] then redis.call('ZREMRANGEBYSCORE', key, '-inf', now_text) end
  swept[key] = true
  return redis.call('ZCARD', key) >= tonumber(limit)
end

local function lease(key, limit, member)
  if limit == '' then return end
  redis.call('ZADD', key, expiry, member)
  -- Never sooner than before: a process with a longer ttl may have leases here.
  if not extended[key] and redis.call('PTTL', key) < ttl then redis.call('PEXPIRE', key, ARGV[1]) end
  extended[key] = true
end

local function admit(rate_key, ip_key, application_key, member, interval, burst, ip_limit, application_limit)
  if tonumber(interval) > 0 then
    local early = early_by(rate_key, tonumber(interval), tonumber(burst))
    if early > 0 then return math.ceil(early / 1000) end
  end
  if is_full(ip_key, ip_limit) then return IP end
  if is_full(application_key, application_limit) then return APPLICATION end
  lease(ip_key, ip_limit, member)
  lease(application_key, application_limit, member)
  return ADMITTED
end

local answers = {}
for index = 0, #KEYS / KEYS_EACH - 1 do
  local key, arg = index * KEYS_EACH, 1 + index * ARGV_EACH
  answers[index + 1] = admit(KEYS[key + 1], KEYS[key + 2], KEYS[key + 3], unpack(ARGV, arg + 1, arg + ARGV_EACH))
end
return answers
