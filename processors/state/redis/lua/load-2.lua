--[[
  Stored values of customers, if the token is still the owner's: read in the same instant.
  KEYS: meta, facts
  ARGV: token, customer ids
  Output: -1 fenced, else the values in the order of the ids (false where there is none)
]]
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return -1 end
local values = {}
-- Few enough at once for Lua's stack.
for from = 2, #ARGV, 4000 do
  local page = redis.call('HMGET', KEYS[2], unpack(ARGV, from, math.min(from + 3999, #ARGV)))
  for at = 1, #page do values[#values + 1] = page[at] end
end
return values
