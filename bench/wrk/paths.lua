-- GET the paths of a file, one a line, over and over; each thread begins somewhere else.
--
--     wrk ... -s paths.lua http://127.0.0.1:PORT -- FILE

local paths, at = {}, 0
local threads = 0

function setup(thread)
  thread:set("offset", threads * 977)
  threads = threads + 1
end

function init(args)
  for line in io.lines(args[1]) do
    paths[#paths + 1] = line
  end
  at = offset
end

function request()
  at = at % #paths + 1
  return wrk.format("GET", paths[at])
end
