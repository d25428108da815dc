import { RedisScript } from "./redis-script.ts";

/**
 * What all scripts begin with. A call is in `calls` for a minute (by when it began), its tokens in
 * the hash `tokens` with their sum, and in `running` while it runs (by when its lease lapses).
 */
const COMMON = `
local calls, tokens, running, cool = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local now, window, lease = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
if now < 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

local function expire()
  for _, key in ipairs({ calls, tokens, running }) do redis.call('PEXPIRE', key, window + lease) end
end

local function forget(ids)
  for _, id in ipairs(ids) do
    -- Not the negative of it: Redis takes no "-0", which a call that took nothing would leave.
    redis.call('HINCRBY', tokens, 'sum', 0 - tonumber(redis.call('HGET', tokens, id) or '0'))
    redis.call('HDEL', tokens, id)
    redis.call('ZREM', calls, id)
  end
end

-- Calls far in the future are gone too: the clock was set back.
forget(redis.call('ZRANGEBYSCORE', calls, '-inf', now - window))
forget(redis.call('ZRANGEBYSCORE', calls, now + window, '+inf'))
redis.call('ZREMRANGEBYSCORE', running, '-inf', now)
local function sum() return tonumber(redis.call('HGET', tokens, 'sum') or '0') end
`;

/** Returns the milliseconds to wait, 0 when the call may begin, then requests, tokens and calls running. */
export const ACQUIRE = new RedisScript(`${COMMON}
local id, cost = ARGV[4], tonumber(ARGV[5])
local requestsMax, tokensMax, runningMax = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local runningRetry = tonumber(ARGV[9])
local runningCount = redis.call('ZCARD', running)
local count = redis.call('ZCARD', calls)
local wait = math.max(0, tonumber(redis.call('GET', cool) or '0') - now)

if requestsMax >= 0 and count >= requestsMax then
  local blocking = redis.call('ZRANGE', calls, count - requestsMax, count - requestsMax, 'WITHSCORES')
  wait = math.max(wait, (blocking[2] or now) + window - now)
end

if tokensMax >= 0 then
  local free = tokensMax - sum()
  local wanted = math.min(cost, tokensMax)
  if free < wanted then
    local tokensWait = window
    for index = 0, count - 1 do
      local oldest = redis.call('ZRANGE', calls, index, index, 'WITHSCORES')
      free = free + tonumber(redis.call('HGET', tokens, oldest[1]) or '0')
      tokensWait = oldest[2] + window - now
      if free >= wanted then break end
    end
    if runningCount > 0 then tokensWait = math.min(tokensWait, runningRetry) end
    wait = math.max(wait, tokensWait)
  end
end

if runningMax >= 0 and runningCount >= runningMax then wait = math.max(wait, runningRetry) end
if wait > 0 then return { wait, count, sum(), runningCount } end

redis.call('ZADD', calls, now, id)
redis.call('HSET', tokens, id, cost)
redis.call('HINCRBY', tokens, 'sum', cost)
redis.call('ZADD', running, now + lease, id)
expire()
return { 0, count + 1, sum(), runningCount + 1 }
`);

/** Ends a call and corrects its tokens, unless its lease has lapsed or it has left the minute. */
export const RELEASE = new RedisScript(`${COMMON}
local id, actual = ARGV[4], tonumber(ARGV[5])
local wasRunning = redis.call('ZREM', running, id) == 1
local before = redis.call('HGET', tokens, id)
if wasRunning and before then
  redis.call('HSET', tokens, id, actual)
  redis.call('HINCRBY', tokens, 'sum', actual - tonumber(before))
end
return {}
`);

/** Prolongs the leases of the calls named, where they have not lapsed. */
export const RENEW = new RedisScript(`${COMMON}
for index = 4, #ARGV do redis.call('ZADD', running, 'XX', now + lease, ARGV[index]) end
expire()
return {}
`);

export const COOL_DOWN = new RedisScript(`${COMMON}
local untilMs = now + tonumber(ARGV[4])
if untilMs > tonumber(redis.call('GET', cool) or '0') then
  redis.call('SET', cool, untilMs, 'PX', math.max(1, untilMs - now))
end
return {}
`);

/** Returns requests and tokens of the last minute, and the calls running. */
export const READ_USE = new RedisScript(`${COMMON}
return { redis.call('ZCARD', calls), sum(), redis.call('ZCARD', running) }
`);
