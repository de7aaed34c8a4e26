-- A list of paths, each asked for once and in order; what came back, by status; how long it took.
-- wrk -s load.lua URL -- PATHS_FILE RESULT_FILE [HEADER: VALUE]

local threads = {}

function setup(thread)
   table.insert(threads, thread)
   thread:set("number", #threads)
end

function init(args)
   paths, place, statuses = {}, 0, {}
   for line in io.lines(args[1]) do table.insert(paths, line) end
   result = args[2]
end

function request()
   place = place % #paths + 1
   return wrk.format("GET", paths[place])
end

function response(status, headers, body)
   local name = "status_" .. status
   if _G[name] == nil then statuses[#statuses + 1] = status end
   _G[name] = (_G[name] or 0) + 1
end

function done(summary, latency, requests)
   local counts = {}
   for _, thread in ipairs(threads) do
      for _, status in ipairs(thread:get("statuses")) do
         counts[status] = (counts[status] or 0) + thread:get("status_" .. status)
      end
   end
   local parts = {}
   for status, count in pairs(counts) do table.insert(parts, string.format('"%d": %d', status, count)) end
   local errors = summary.errors
   local file = io.open(threads[1]:get("result"), "w")
   file:write(string.format(
      '{"requests": %d, "seconds": %.3f, "p50_ms": %.2f, "p95_ms": %.2f, "p99_ms": %.2f, "max_ms": %.2f, ' ..
      '"broken": %d, "statuses": {%s}}\n',
      summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(95) / 1e3,
      latency:percentile(99) / 1e3, latency.max / 1e3,
      errors.connect + errors.read + errors.write + errors.timeout, table.concat(parts, ", ")))
   file:close()
end
