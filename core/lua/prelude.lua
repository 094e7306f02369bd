-- Wraps what a single call of could take unbounded time, where no safepoint comes by. Runs once, before any
-- script; what it returns becomes part of the libraries that scripts see.
local find_plain, most_pattern_work, most_moved, most_repeated = ...
local find, gmatch, gsub, match, rep = string.find, string.gmatch, string.gsub, string.match, string.rep
local move, sort = table.move, table.sort

local function bounded(text, pattern)
  if type(text) == "string" and type(pattern) == "string" and #text * #pattern > most_pattern_work then
    error("the text is too long for that pattern", 3)
  end
end

return {
  string = {
    find = function(text, pattern, init, plain)
      local is_plain, first, last = find_plain(text, pattern, init, plain)
      if is_plain then
        return first, last
      end
      bounded(text, pattern)
      return find(text, pattern, init)
    end,
    gmatch = function(text, pattern)
      bounded(text, pattern)
      return gmatch(text, pattern)
    end,
    gsub = function(text, pattern, with, most)
      bounded(text, pattern)
      return gsub(text, pattern, with, most)
    end,
    match = function(text, pattern, init)
      bounded(text, pattern)
      return match(text, pattern, init)
    end,
    rep = function(text, count)
      local times = tonumber(count)
      if times and (times > most_repeated or #tostring(text) * times > most_repeated) then
        error("string.rep makes at most 65536 bytes", 2)
      end
      return rep(text, count)
    end,
  },
  table = {
    move = function(from, first, last, at, to)
      local from_index, to_index = tonumber(first), tonumber(last)
      if from_index and to_index and to_index - from_index >= most_moved then
        error("table.move moves at most 65536 fields at a time", 2)
      end
      return move(from, first, last, at, to or from)
    end,
    -- With a function to compare, every comparison is a safepoint.
    sort = function(list, before)
      return sort(list, before or function(a, b) return a < b end)
    end,
  },
}
