-- Counts one event in its user's running aggregates, once and in whatever order events come.
-- KEYS: user:ID (hash of features), user:ID:events (the ids of the user's latest events, scored by time).
-- ARGV: weight of one event, ids to remember, event id, occurred_at (seconds since the epoch), then feature, value …
-- Returns 1 where the event was counted, 0 where it had been before or is older than all that are remembered.
local weight, kept, occurred_at = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[4])
if redis.call('ZCARD', KEYS[2]) >= kept then
  local oldest = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
  if occurred_at < tonumber(oldest[2]) then
    return 0
  end
end
if redis.call('ZADD', KEYS[2], 'NX', occurred_at, ARGV[3]) == 0 then
  return 0
end
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -kept - 1)
for i = 5, #ARGV, 2 do
  local value = tonumber(ARGV[i + 1])
  local old = tonumber(redis.call('HGET', KEYS[1], ARGV[i])) or value
  redis.call('HSET', KEYS[1], ARGV[i], string.format('%.6g', (1 - weight) * old + weight * value))
end
local latest = tonumber(redis.call('HGET', KEYS[1], 'updated_at')) or 0
if occurred_at > latest then
  redis.call('HSET', KEYS[1], 'updated_at', ARGV[4])
end
return 1
