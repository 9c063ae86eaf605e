--[[
  Commits a batch: all of it or nothing. Its effects are one transaction in the append-only file, so any truncation of
  that leaves state and positions consistent.
  KEYS: meta, facts, due, outbox
  ARGV: token, batch number, from, to, mail positions, clocks, outbox,
        number of states, (id, value)..., number of removed, id..., number of wakes, (id, instant or '' for none)...
  Output: 1 applied, 0 already applied (my own retry), -1 fenced, -2 does not follow what is held
]]
local held = redis.call('HMGET', KEYS[1], 'token', 'batch', 'positions')
if held[1] ~= ARGV[1] then return -1 end
local batch = tonumber(ARGV[2])
local last = tonumber(held[2] or '0')
if last == batch and held[3] == ARGV[4] then return 0 end
if last ~= batch - 1 or held[3] ~= ARGV[3] then return -2 end
local at = 8
local states = tonumber(ARGV[at])
for from = at + 1, at + 2 * states, 2000 do
  redis.call('HSET', KEYS[2], unpack(ARGV, from, math.min(from + 1999, at + 2 * states)))
end
at = at + 2 * states + 1
local removed = tonumber(ARGV[at])
for index = at + 1, at + removed do
  redis.call('HDEL', KEYS[2], ARGV[index])
  redis.call('ZREM', KEYS[3], ARGV[index])
end
at = at + removed + 1
local wakes = tonumber(ARGV[at])
for index = at + 1, at + 2 * wakes, 2 do
  if ARGV[index + 1] == '' then
    redis.call('ZREM', KEYS[3], ARGV[index])
  elseif redis.call('HEXISTS', KEYS[2], ARGV[index]) == 1 then
    redis.call('ZADD', KEYS[3], ARGV[index + 1], ARGV[index])
  end
end
redis.call('HSET', KEYS[1], 'batch', ARGV[2], 'positions', ARGV[4], 'mail', ARGV[5], 'clocks', ARGV[6])
redis.call('SET', KEYS[4], ARGV[7])
return 1
