-- `$match` of one person after another.
--
--     wrk ... -s match.lua http://127.0.0.1:PORT -- BODIES
--
-- BODIES has a Patient a line, as JSON. Answers with the times it took and what was refused.

local JSON = { ["Content-Type"] = "application/fhir+json" }
local bodies, turn, threads = {}, 0, {}
odd = 0

function setup(thread)
  threads[#threads + 1] = thread
end

function init(args)
  for line in io.lines(args[1]) do
    bodies[#bodies + 1] = wrk.format("POST", "/fhir/Patient/$match", JSON, line)
  end
end

function request()
  turn = turn % #bodies + 1
  return bodies[turn]
end

function response(status)
  if status ~= 200 and status ~= 422 then
    odd = odd + 1
  end
end

function done(summary, latency)
  local failed = summary.errors.connect + summary.errors.read + summary.errors.timeout
  for _, thread in ipairs(threads) do
    failed = failed + thread:get("odd")
  end
  local seconds = summary.duration / 1e6
  local at = function(share) return latency:percentile(share) / 1000 end
  print(string.format(
    'FIGURES {"requests": %f, "median": %f, "p95": %f, "p99": %f, "failed": %d}',
    summary.requests / seconds, at(50), at(95), at(99), failed))
end
