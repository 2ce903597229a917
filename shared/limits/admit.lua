-- Admits a connection or says which limit it would exceed (redis: "Limits"). A refusal changes nothing but the rate.
--
-- KEYS[1]  rate of the IP, a string: when its next connection would be due if all came evenly, us of Redis' clock (GCRA)
-- KEYS[2]  leases of the IP, a sorted set: members are connections, scores the ms of Redis' clock at which they expire
-- KEYS[3]  leases of the application, of the same kind; all three in one hash slot
-- ARGV     member             names the connection, and no other one ever
--          ttl                ms until the lease expires
--          interval           us between two connections of an IP; 0: any rate
--          burst              connections of an IP that may come at once
--          ip_limit           connections of the IP; empty: any number, and no lease
--          application_limit  connections of the application; empty: any number, and no lease
-- Result   {'admitted'}
--          {'rate', ms until a connection of the IP is due}
--          {'ip'} | {'application'} when the leases are as many as the limit

-- Before Redis 7, a script that reads the clock may write only after this call.
if redis.replicate_commands then redis.replicate_commands() end

local member, ttl, interval, burst, ip_limit, application_limit = unpack(ARGV)
local rate_key, ip_key, application_key = KEYS[1], KEYS[2], KEYS[3]

-- tostring keeps 14 digits only.
local function whole(number) return string.format('%.0f', number) end

local time = redis.call('TIME')
local now_us = tonumber(time[1]) * 1000000 + tonumber(time[2])
local now = math.floor(now_us / 1000)

if tonumber(interval) > 0 then
  local most = tonumber(burst) * tonumber(interval)
  local due = tonumber(redis.call('GET', rate_key) or '0')
  -- Not further ahead than any burst could have brought it: a failover may set the clock back.
  due = math.max(now_us, math.min(due, now_us + most)) + tonumber(interval)
  local early = due - most - now_us
  if early > 0 then return {'rate', whole(math.ceil(early / 1000))} end
  redis.call('SET', rate_key, whole(due), 'PX', whole(math.ceil((due - now_us) / 1000)))
end

local function is_full(key, limit)
  if limit == '' then return false end
  redis.call('ZREMRANGEBYSCORE', key, '-inf', whole(now))
  return redis.call('ZCARD', key) >= tonumber(limit)
end

local function lease(key, limit)
  if limit == '' then return end
  redis.call('ZADD', key, whole(now + tonumber(ttl)), member)
  -- Never sooner than before: a process with a longer ttl may have leases here.
  if redis.call('PTTL', key) < tonumber(ttl) then redis.call('PEXPIRE', key, ttl) end
end

if is_full(ip_key, ip_limit) then return {'ip'} end
if is_full(application_key, application_limit) then return {'application'} end
lease(ip_key, ip_limit)
lease(application_key, application_limit)
return {'admitted'}
