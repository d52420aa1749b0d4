-- CRUD mix: create, read, update, search by id and delete of nine types, in equal parts.
--
--     wrk ... -s crud.lua http://127.0.0.1:PORT -- BODIES
--
-- BODIES has a line `Type<TAB>body` for each type; bodies begin with their resourceType and
-- have no id. A resource waits in a queue between two steps, long enough that its last step
-- has been answered: wrk does not say which request an answer belongs to.

local WAITING_MIN = 256
local JSON = { ["Content-Type"] = "application/fhir+json" }
local bodies, queue, first, last, turn = {}, {}, 1, 0, 0

function init(args)
  for line in io.lines(args[1]) do
    local kind, body = line:match("^(%w+)\t(.*)$")
    bodies[#bodies + 1] = { kind = kind, body = body }
  end
end

local function push(item)
  last = last + 1
  queue[last] = item
end

local function pop()
  local item = queue[first]
  queue[first] = nil
  first = first + 1
  return item
end

local function changed(kind, id)
  for _, one in ipairs(bodies) do
    if one.kind == kind then
      local start = '{"resourceType":"' .. kind .. '"'
      return start .. ',"id":"' .. id .. '","language":"vi"' .. one.body:sub(#start + 1)
    end
  end
end

local function create()
  turn = turn % #bodies + 1
  local one = bodies[turn]
  return wrk.format("POST", "/fhir/" .. one.kind, JSON, one.body)
end

local steps = {
  function(item) return wrk.format("GET", item.path) end,
  function(item) return wrk.format("PUT", item.path, JSON, changed(item.kind, item.id)) end,
  function(item) return wrk.format("GET", "/fhir/" .. item.kind .. "?_id=" .. item.id) end,
  function(item) return wrk.format("DELETE", item.path) end,
}

function request()
  -- One create to four later steps keeps the queue as long as it is.
  local is_full = last - first + 1 > WAITING_MIN
  if not is_full then
    return create()
  end
  local item = pop()
  item.step = item.step + 1
  local asked = steps[item.step](item)
  if item.step < #steps then
    push(item)
  end
  return asked
end

function response(status, headers, body)
  if status == 201 then
    local place = headers["Location"] or headers["location"]
    local kind, id = place:match("/fhir/(%w+)/([^/]+)")
    push({ kind = kind, id = id, path = "/fhir/" .. kind .. "/" .. id, step = 0 })
  end
end
