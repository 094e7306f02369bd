---@meta
-- What scripts of Jackfield can call. Made from core/lua/reference.rs; do not edit.

---A call, or what happened; read-only. What is not known is an empty text.
---@class (exact) jackfield.Call
---@field number string What will be dialed so far
---@field original string What was asked for
---@field from jackfield.From Who calls
---@field to jackfield.To Who is called
---@field settings table Settings that begin with dialing., by name
---@field event? string Name of the event, in event hooks only
---@field object? string Id of the object that the event is about

---Who calls.
---@class (exact) jackfield.From
---@field account string Id of the account
---@field node string Id of the PBX node
---@field node_name string What the PBX node is called
---@field node_kind string Kind of the PBX node
---@field enterprise string Id of the enterprise
---@field outgoing_digit string Digit for an outside line
---@field country string Country of the node

---Who is called.
---@class (exact) jackfield.To
---@field kind "local"|"peer"|"number" Where the call leads
---@field account string Id of the account
---@field peer string Id of the peer
---@field peer_description string What the peer is called
---@field prefix string The peer's dialing prefix
---@field extension string What is dialed as an extension behind it; empty when it is a public number

---How a hook runs.
---@class (exact) jackfield.HookOptions
---@field priority? integer Higher runs first, from -1000 to 1000; 0 when left out

---How a check runs.
---@class (exact) jackfield.CheckOptions
---@field every string How often, such as 5m; from 30s to 1d

---What allow and reject give.
---@class (exact) jackfield.Verdict
---@field verdict "allow"|"reject" Which
---@field reason? string Why

---What a check answers.
---@class (exact) jackfield.State
---@field state string Which
---@field detail? string What was seen
---@field advice? string What to do
---@field data? table Figures

---How a time server is asked.
---@class (exact) jackfield.NtpOptions
---@field port? integer 123 when left out
---@field timeout? string Such as 1s; from 50ms to 5s
---@field samples? integer How often it is asked, 1 to 8

---Clocks to be compared.
---@class (exact) jackfield.NtpQuestion
---@field hosts table[] At most 32 of { name = ..., result = ... } with results of ntp.query or http.date
---@field source? table Result of ntp.query for the source that all should follow
---@field walk? string[] IPv4 networks into which chains of sources may be followed, such as 10.0.0.0/8
---@field without_us? boolean Whether this appliance's own clock is left out

---Ports of one PBX node to be compared.
---@class (exact) jackfield.CstaQuestion
---@field declared integer[] CSTA ports that are declared at the PBX node
---@field mapped integer[] Those that the X.25 gateway is said to map
---@field default? integer Port that is always expected; 3211 when left out
---@field ports table[] Results of tcp.probe

---How a port is tried.
---@class (exact) jackfield.TcpOptions
---@field timeout? string Such as 1s; from 50ms to 3s
---@field tls? boolean Whether TLS is begun

---How a name is looked up.
---@class (exact) jackfield.DnsOptions
---@field kind? string Kind of record
---@field timeout? string Such as 1s; from 50ms to 5s

---How a web server is asked.
---@class (exact) jackfield.HttpOptions
---@field timeout? string Such as 1s; from 50ms to 5s
---@field requests? integer How often it is asked, 1 to 8

---Whose number it is.
---@class (exact) jackfield.Found
---@field account string Id of the account
---@field name string Who
---@field extension string Extension
---@field node string Id of the PBX node

csta = {}

directory = {}

dns = {}

http = {}

ntp = {}

site = {}

tcp = {}

---Registers a function for a hook; only at the top level.
---@param name string dial.rewrite, dial.admit or event.NOUN.PAST
---@param options jackfield.HookOptions May be left out
---@param run fun(call: jackfield.Call): any Runs for each call; nothing is kept between two
---@overload fun(name: string, run: fun(call: jackfield.Call): any)
function hook(name, options, run) end

---Registers a check; only at the top level.
---@param name string Unique in the script: small letters, digits, dots, hyphens, underscores
---@param options jackfield.CheckOptions How often it runs
---@param run fun(): jackfield.State Looks and says how it is
function check(name, options, run) end

---Registers a test; only at the top level of NAME_test.lua.
---@param name string What it shows
---@param run fun() Fails by an error
function test(name, run) end

---Lets the call pass; later scripts are not asked.
---@return jackfield.Verdict # the answer of dial.admit
function allow() end

---Rejects the call; later scripts are not asked.
---@param reason string What the caller is told
---@return jackfield.Verdict # the answer of dial.admit
function reject(reason) end

---All is well.
---@param detail? string What was seen
---@param advice? string What to do about it
---@param data? table Figures by name: plain data, kept with the result
---@return jackfield.State # the answer of a check
function ok(detail, advice, data) end

---Worth knowing, nothing to do now.
---@param detail? string What was seen
---@param advice? string What to do about it
---@param data? table Figures by name: plain data, kept with the result
---@return jackfield.State # the answer of a check
function notice(detail, advice, data) end

---Will become a problem: state warning.
---@param detail? string What was seen
---@param advice? string What to do about it
---@param data? table Figures by name: plain data, kept with the result
---@return jackfield.State # the answer of a check
function warn(detail, advice, data) end

---Is a problem: state error.
---@param detail? string What was seen
---@param advice? string What to do about it
---@param data? table Figures by name: plain data, kept with the result
---@return jackfield.State # the answer of a check
function fail(detail, advice, data) end

---Is a problem that stops the site's work.
---@param detail? string What was seen
---@param advice? string What to do about it
---@param data? table Figures by name: plain data, kept with the result
---@return jackfield.State # the answer of a check
function critical(detail, advice, data) end

---It could not be found out; raises an alarm.
---@param detail? string What was seen
---@param advice? string What to do about it
---@param data? table Figures by name: plain data, kept with the result
---@return jackfield.State # the answer of a check
function unknown(detail, advice, data) end

---It cannot be measured from here, which is no problem by itself.
---@param detail? string What was seen
---@param advice? string What to do about it
---@param data? table Figures by name: plain data, kept with the result
---@return jackfield.State # the answer of a check
function not_measurable(detail, advice, data) end

---Keeps the digits of a text.
---@param text string The text
---@return string # its digits 0-9, without everything else
function digits(text) end

---Says whether a text begins with another.
---@param text string The text
---@param beginning string What it may begin with
---@return boolean # whether it does
function starts(text, beginning) end

---Takes a beginning away from a text.
---@param text string The text
---@param beginning string What it may begin with
---@return string # the rest; the whole text when it begins otherwise
function strip(text, beginning) end

---Says whether an extension is in a range; 0100 is not 100.
---@param number string The number
---@param first string First of the range
---@param last string Last of the range, of equal length
---@return boolean # whether it is one of them; a number of another length never is
function in_range(number, first, last) end

---Says whether an address is in a network.
---@param address string An IP address; anything else is in no network
---@param network string Such as 10.0.0.0/8 or 2001:db8::/32
---@return boolean # whether it is
function cidr(address, network) end

---Writes a public number in full (ITU-T E.164).
---@param number string Beginning with +, 00 or 0; blanks, points and hyphens do not count
---@param country string Calling code of the country that a leading 0 stands in, such as 31
---@return string? # + and at most 15 digits; nil when it is no public number
function e164(number, country) end

---Asks a time server for the time.
---@param address string Name or IP address of the time server
---@param options? jackfield.NtpOptions Port, time, samples
---@return table? # what the probe saw
---@return string? # why there is none
function ntp.query(address, options) end

---Judges whether clocks that were measured agree, and whether they follow one source.
---@param question jackfield.NtpQuestion What was measured
---@return table? # state, detail and advice for a check, and the figures behind them
---@return string? # why there is none
function ntp.judge(question) end

---Judges the CSTA ports of a MiVoice 5000 as a set.
---@param question jackfield.CstaQuestion What is declared and what was seen
---@return table? # state, detail and advice for a check, and the ports behind them
---@return string? # why there is none
function csta.judge(question) end

---Tries whether a port can be reached.
---@param address string Name or IP address
---@param port integer 1 to 65535
---@param options? jackfield.TcpOptions Time, TLS
---@return table? # what the probe saw
---@return string? # why there is none
function tcp.probe(address, port, options) end

---Looks a name up.
---@param name string Host name
---@param options? jackfield.DnsOptions Kind of record, time
---@return table? # what the name service said
---@return string? # why there is none
function dns.lookup(name, options) end

---Reads the clock of a web server from its Date header.
---@param url string Whose Date header is read
---@param options? jackfield.HttpOptions Time, requests
---@return table? # what the probe saw
---@return string? # why there is none
function http.date(url, options) end

---Names the PBX nodes.
---@return table[]? # the PBX nodes of the site
---@return string? # why there is none
function site.nodes() end

---Names the peers.
---@return table[]? # the peers of the site
---@return string? # why there is none
function site.peers() end

---Reads a setting that is meant for scripts.
---@param name string A setting that begins with checks. or dialing.
---@return any # its value; nil when there is none
---@return string? # why there is none
function site.setting(name) end

---Looks a number up in the directory.
---@param enterprise string Id of the enterprise
---@param number string Extension or public number
---@return jackfield.Found? # whose number it is; nil when it is nobody's
---@return string? # why there is none
function directory.lookup(enterprise, number) end

---Writes a line into the appliance's log.
---@param line string At most 2048 bytes
function log(line) end
