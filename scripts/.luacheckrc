-- What `luacheck scripts` holds the scripts to: they use what the appliance gives them, and nothing else.
std = "none"
max_line_length = 120
-- Types for editors declare, they do not run.
exclude_files = { "types/**", "scripts/types/**" }
read_globals = {}
for line in io.lines("core/lua/tests/globals.txt") do
  local library, member = line:match("^([%w_]+)%.([%w_]+) ")
  local name = library or line:match("^([%w_]+) ")
  read_globals[name] = read_globals[name] or { fields = {} }
  if member then read_globals[name].fields[member] = {} end
end
