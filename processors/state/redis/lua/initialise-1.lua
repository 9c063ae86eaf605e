--[[
  Writes the positions of a first start.
  KEYS: meta
  ARGV: token, positions
  Output: 1 written or the same, -1 fenced, -2 there are other positions
]]
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return -1 end
local held = redis.call('HGET', KEYS[1], 'positions')
if held and held ~= ARGV[2] then return -2 end
redis.call('HSET', KEYS[1], 'positions', ARGV[2])
return 1
