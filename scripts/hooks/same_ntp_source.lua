-- One time, one source: UC server, every PBX node, CloudLink Gateway (seed 003).
--
-- Two questions. Do the clocks agree now? That is measured, pair by pair and with its error, and the thresholds say
-- what a difference breaks. Will they go on agreeing? That is judged from whom each of them follows.
--
-- Nothing here is to be edited. What is looked at:
--   PBX nodes                   ntp_address of the PBX node, or else its address
--   checks.uc_ntp_address       the UC server; empty: it is left out
--   checks.gateway_address      the CloudLink Gateway; empty: it is left out
--   checks.ntp_source           the source that all should follow; empty: they are compared with each other
--   checks.ntp_walk             networks into which a chain of sources is followed; empty: the private ones
--   checks.ntp_port, web_port   only where hosts are asked at other ports than the usual ones
-- A host that answers no NTP is asked for the time of its web page; without that its clock is not measurable.

local MOST_HOSTS = 32
-- Time for all hosts; a silent one costs twice its share.
local MILLISECONDS = 10000
-- Hosts whose web pages are asked in one run; each takes up to five seconds.
local MOST_PAGES = 4

-- Into these a chain is followed unless the setting names others (RFC 1918).
local PRIVATE = { "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16" }

local ANSWER = {
  ok = ok, not_measurable = not_measurable, unknown = unknown, notice = notice, warning = warn, error = fail,
  critical = critical,
}

-- Who is compared: names and addresses, in a stable order.
local function hosts_of_site()
  local hosts = {}
  local function add(name, address, web)
    if address and address ~= "" then table.insert(hosts, { name = name, address = address, web = web }) end
  end
  add("UC server", site.setting("checks.uc_ntp_address"))
  add("CloudLink Gateway", site.setting("checks.gateway_address"))
  local nodes, cause = site.nodes()
  if not nodes then return nil, cause end
  for _, node in ipairs(nodes) do
    local clock = node.ntp_address ~= "" and node.ntp_address or node.address
    add("PBX node " .. node.name, clock, node.address)
  end
  return hosts
end

-- A call that fails for one host, because its address is none that may be asked, must not hide the others.
local function try(call, ...)
  local went_well, result, cause = pcall(call, ...)
  if went_well then return result, cause end
  return nil, (tostring(result):gsub("\n.*", ""):gsub("^runtime error: ", ""):gsub("^site/[%w_-]+%.lua:%d+: ", ""))
end

local function ask(address, timeout)
  local port = site.setting("checks.ntp_port")
  local result, cause = try(ntp.query, address, { port = port, timeout = timeout, samples = 2 })
  return result or { host = address, verdict = "not_asked", words = "could not be asked: " .. cause }
end

-- Where the host's web page may be: in clear, or with TLS only.
local function urls_of(host)
  local web = host.web or host.address
  if web:find(":", 1, true) then web = "[" .. web .. "]" end
  local port = site.setting("checks.web_port") or 0
  if port > 0 then return { string.format("http://%s:%d/", web, port) } end
  return { "http://" .. web .. "/", "https://" .. web .. "/" }
end

-- The time of the host's web page, where it answers no NTP.
local function page_of(host, pages)
  if pages.left <= 0 then return nil end
  pages.left = pages.left - 1
  for _, url in ipairs(urls_of(host)) do
    local page = try(http.date, url, { timeout = "1s", requests = 4 })
    if page and page.offset_ms then return page end
  end
  return nil
end

-- What is kept of a judgement beside its words.
local function figures(judged)
  return { clocks = judged.clocks, source = judged.source, hosts = judged.hosts, pairs = judged.pairs }
end

check("clocks", { every = "5m" }, function()
  local hosts, cause = hosts_of_site()
  if not hosts then return unknown("the site is not known: " .. cause) end
  if #hosts == 0 then
    return ok("there is no clock to compare", "Add PBX nodes, or set checks.uc_ntp_address and checks.gateway_address.")
  end
  local wait = math.floor(MILLISECONDS / (math.min(#hosts, MOST_HOSTS) + 1))
  local timeout = math.max(100, math.min(1000, wait)) .. "ms"
  local measured, asked, pages = {}, 0, { left = MOST_PAGES }
  for index, host in ipairs(hosts) do
    if index > MOST_HOSTS then break end
    local result = ask(host.address, timeout)
    if not result.offset_ms then result = page_of(host, pages) or result end
    if result.verdict ~= "not_asked" then asked = asked + 1 end
    table.insert(measured, { name = host.name, result = result })
  end
  if asked == 0 then return unknown(measured[1].name .. " " .. (measured[1].result.words or "could not be asked")) end
  local source = site.setting("checks.ntp_source")
  local walk = site.setting("checks.ntp_walk") or {}
  local question = { hosts = measured, walk = #walk > 0 and walk or PRIVATE }
  if source and source ~= "" then question.source = ask(source, timeout) end
  local judged, fault = ntp.judge(question)
  if not judged then return unknown("the clocks could not be judged: " .. fault) end
  local detail = judged.detail
  if #hosts > MOST_HOSTS then detail = detail .. "; only " .. MOST_HOSTS .. " of " .. #hosts .. " hosts were asked" end
  return ANSWER[judged.state](detail:sub(1, 2000), judged.advice:sub(1, 2000), figures(judged))
end)
