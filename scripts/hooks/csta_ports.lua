-- CSTA ports of every MiVoice 5000 (seed 003).
--
-- 3211 is the port it always offers; each service that was added has one more. A port is configured in two places,
-- CSTA Settings of the PBX Node tab and the mapping of the X25 gateway, and one of them is easily forgotten. This
-- check tries the ports that the PBX nodes here declare, and the usual ones beyond them, and compares the sets.
--
-- Nothing here is to be edited. The ports are those of the PBX nodes (csta_ports, x25_ports); the setting
-- checks.csta_probe switches the probes off where even a connection could disturb. Only a connection is made and
-- nothing is sent; the appliance tries a port at most once in ten minutes, and one at a time on each host.

local USUAL = { 3211, 3212, 3213 }
-- Ports of one run; each takes about a second, and the next run goes on with the others.
local MOST_TRIED = 32
-- A firewall that drops one port drops the next as well, and each costs its whole time.
local MOST_SILENT = 2

local RANK = { ok = 0, not_measurable = 1, unknown = 1, notice = 2, warning = 3, error = 4, critical = 5 }
local ANSWER = {
  ok = ok, not_measurable = not_measurable, unknown = unknown, notice = notice, warning = warn, error = fail,
  critical = critical,
}

local function worse(a, b)
  if RANK[b] > RANK[a] then return b end
  return a
end

-- The declared ports, then the usual ones that are not declared.
local function ports_of(node)
  local ports, seen = {}, {}
  for _, list in ipairs({ node.csta_ports, USUAL }) do
    for _, port in ipairs(list) do
      if not seen[port] then
        seen[port] = true
        table.insert(ports, port)
      end
    end
  end
  return ports
end

local function is_silent(result)
  return result.verdict == "filtered" or result.verdict == "unreachable" or result.verdict == "no_address"
end

-- A port that cannot be tried is a result as well, so that one wrong address does not hide the other nodes.
local function try_port(address, port)
  local went_well, result, cause = pcall(tcp.probe, address, port)
  if went_well and result then return result end
  local words = cause
  if not went_well then
    words = tostring(result):gsub("\n.*", ""):gsub("^runtime error: ", ""):gsub("^site/[%w_-]+%.lua:%d+: ", "")
  end
  return { port = port, open = false, verdict = went_well and "not_tried" or "no_address", words = words }
end

local function try_ports(node, budget)
  local results, silent = {}, 0
  for _, port in ipairs(ports_of(node)) do
    if budget.left <= 0 or silent >= MOST_SILENT then break end
    budget.left = budget.left - 1
    local result = try_port(node.address, port)
    table.insert(results, result)
    if is_silent(result) then silent = silent + 1 end
  end
  return results
end

local function look_at(node, budget)
  local tried = try_ports(node, budget)
  local judged, fault = csta.judge({ declared = node.csta_ports, mapped = node.x25_ports, ports = tried })
  if not judged then return "unknown", "the ports could not be judged: " .. fault, "" end
  return judged.state, judged.detail, judged.advice, judged
end

check("ports", { every = "15m" }, function()
  local all, cause = site.nodes()
  if not all then return unknown("the PBX nodes are not known: " .. cause) end
  local state, details, advice, data, count = "ok", {}, {}, {}, 0
  local budget = { left = MOST_TRIED }
  for _, node in ipairs(all) do
    if node.kind == "mivoice_5000" then
      count = count + 1
      if site.setting("checks.csta_probe") == false then
        return not_measurable("the setting checks.csta_probe keeps ports from being tried")
      end
      local found, detail, todo, judged = look_at(node, budget)
      state = worse(state, found)
      table.insert(details, node.name .. ": " .. detail)
      if todo ~= "" then table.insert(advice, node.name .. ": " .. todo) end
      data[node.id] = judged
    end
  end
  if count == 0 then return ok("there is no MiVoice 5000 to look at") end
  return ANSWER[state](table.concat(details, "\n"):sub(1, 2000), table.concat(advice, "\n"):sub(1, 2000), data)
end)
