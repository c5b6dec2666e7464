-- Asks for the hosts and paths of a list of routes in an order that repeats only after all of them.
-- Arguments after "--": the number of routes and how many of them share a host.
dofile(os.getenv("BENCH_LOAD") .. "/report.lua")
local prepared = {}
local at = 0

function init(args)
  local count, per_host = tonumber(args[1]), tonumber(args[2])
  -- The stride is prime to the count, so neighbours in time are not neighbours in the table.
  local stride = count > 1 and 7919 or 1
  for i = 0, count - 1 do
    local route = i * stride % count
    local host = string.format("host%05d.example", math.floor(route / per_host))
    local path = string.format("/part%d/page", route % per_host)
    prepared[i] = wrk.format("GET", path, { Host = host })
  end
end

function request()
  local text = prepared[at]
  at = at + 1
  if prepared[at] == nil then at = 0 end
  return text
end
