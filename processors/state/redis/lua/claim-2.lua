--[[
  Takes a partition from whoever had it.
  KEYS: meta, outbox
  ARGV: token
  Output: epoch, batch number, positions, mail positions, clocks, outbox (false where there is none)
]]
local epoch = redis.call('HINCRBY', KEYS[1], 'epoch', 1)
redis.call('HSET', KEYS[1], 'token', ARGV[1])
local held = redis.call('HMGET', KEYS[1], 'batch', 'positions', 'mail', 'clocks')
return { epoch, tonumber(held[1] or '0'), held[2], held[3], held[4], redis.call('GET', KEYS[2]) }
