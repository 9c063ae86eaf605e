--[[
  The positions that are held, if the token is still the owner's.
  KEYS: meta
  ARGV: token
  Output: -1 fenced, else the positions (false where there are none)
]]
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return -1 end
return redis.call('HGET', KEYS[1], 'positions')
