-- Peer dialing prefixes by the caller's PBX node.
--
-- A peer has one Peer Dialing Prefix, and the appliance dials outgoing digit, prefix, extension. Where PBX nodes of
-- one enterprise reach the same peer by different prefixes, the setting dialing.prefix_by_node says so, and this
-- script puts the other prefix in the usual one's place. The setting is all there is to edit:
--
--   jackfield settings set dialing.prefix_by_node '["Boston > Lyon: 8571", "Boston > Montreal: -85"]'
--
-- A prefix keeps its meaning (seed 001): a leading hyphen leaves out the node's outgoing digit and is not dialed.
-- Without an entry for caller and peer the number stays as it is, and so do public and emergency numbers.

local SETTING = "dialing.prefix_by_node"

local function split_marker(prefix)
  if starts(prefix, "-") then return prefix:sub(2), true end
  return prefix, false
end

-- What is dialed for a peer's extension from a node with that outgoing digit.
local function dialed(prefix, outgoing_digit, extension)
  local body, without_outgoing = split_marker(prefix)
  if prefix == "" or without_outgoing then return body .. extension end
  return outgoing_digit .. body .. extension
end

-- The three parts of an entry.
local function parts(entry)
  return entry:match("^(.-) > (.-): (.*)$")
end

-- The prefix that the setting has for caller and peer, or nil.
local function wanted(entries, node, peer)
  for _, entry in ipairs(entries or {}) do
    local of_node, of_peer, prefix = parts(entry)
    if of_node == node and of_peer == peer then return prefix end
  end
  return nil
end

hook("dial.rewrite", function(call)
  local from, to = call.from, call.to
  -- No extension: a public number, to which prefixes never apply.
  if to.kind ~= "peer" or to.extension == "" then return nil end
  local prefix = wanted(call.settings[SETTING], from.node_name, to.peer_description)
  -- Another script has changed the number already: that one is meant to have its way.
  local usual = dialed(to.prefix, from.outgoing_digit, to.extension)
  if not prefix or call.number ~= usual then return nil end
  local number = dialed(prefix, from.outgoing_digit, to.extension)
  if number == usual then return nil end
  return { number = number }
end)

check("entries", { every = "1h" }, function()
  local entries = site.setting(SETTING) or {}
  if #entries == 0 then return ok("no peer has a prefix of its own for one node") end
  local all_nodes, cause = site.nodes()
  local all_peers = site.peers()
  if not all_nodes or not all_peers then return unknown("the site is not known: " .. tostring(cause)) end
  local nodes, peers, strangers = {}, {}, {}
  for _, node in ipairs(all_nodes) do nodes[node.name] = true end
  for _, peer in ipairs(all_peers) do peers[peer.description] = true end
  for _, entry in ipairs(entries) do
    local node, peer = parts(entry)
    if not nodes[node] then table.insert(strangers, "no PBX node is called " .. node) end
    if not peers[peer] then table.insert(strangers, "no peer is called " .. peer) end
  end
  if #strangers > 0 then
    return warn(table.concat(strangers, "; "), "Correct the setting " .. SETTING .. "; names count letter by letter.")
  end
  return ok(#entries .. " prefixes by node")
end)
