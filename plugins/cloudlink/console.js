// CloudLink in the console (seed 004): how it does and what is missing, the set-up, which accounts activation would fail
// for and what to do, chat, the ways through the firewall, and the daemon with its tunnels.

const REGIONS = [["", "None: hosts without a region"], ["us", "United States"], ["eu", "Europe"], ["ap", "Asia-Pacific"]];
const REASONS = {
  not_deployed: "Not deployed",
  missing_login: "No login ID",
  missing_names: "A name is missing",
  missing_email: "No e-mail address",
  malformed_email: "Malformed e-mail address",
  duplicate_email: "E-mail address used twice",
};
const SOURCES = { documented: "documented by Mitel", seen_in_public_code: "seen in public client code", proposed: "a proposal of this product" };

export async function draw(context) {
  const { api, ui, plugin, message, may } = context;
  const [setup, chat, ways, daemon] = await Promise.all([
    api.call("GET", "/cloudlink"),
    api.get("/cloudlink/chat"),
    api.get("/cloudlink/network-check"),
    api.call("GET", "/cloudlink/daemon"),
  ]);
  const writes = may("cloudlink:write");
  return [
    ...ui.greeting(message),
    ui.element("h1", {}, plugin.title),
    ui.paragraph("Users and chat on Mitel’s CloudLink platform.", { class: "lead" }),
    condition(ui, setup.body),
    ui.section("Set-up", ...(writes ? [setting(context, setup)] : [reading(ui, setup.body)])),
    ui.section("Activation", ...(await activation(context))),
    ui.section("Chat", ui.paragraph(chat.enabled ? "CloudLink chat is on." : "CloudLink chat is off; the appliance’s own chat is on."), ui.paragraph(ui.sentence(chat.reason)), ui.paragraph(chat.advice)),
    ui.section("CloudLink Daemon", ...tunnels(context, daemon, writes)),
    ui.section("Ways through the firewall", ...network(ui, ways)),
  ];
}

function condition(ui, { state, reason, missing }) {
  const [sign, title] = { connected: ["ok", "Connected"], not_configured: ["unknown", "Not set up"] }[state] ?? ["warning", "Not connected"];
  const lacks = missing.map(({ detail }) => ui.element("li", {}, ui.sentence(detail)));
  const list = lacks.length === 0 ? [] : [ui.paragraph("What is missing before anybody could connect:"), ui.element("ul", {}, ...lacks)];
  const words = lacks.length === 0 ? [ui.paragraph(ui.sentence(reason))] : list;
  return ui.notice(sign, title, ...words);
}

function yes(value) {
  return value ? "Yes" : "No";
}

function reading(ui, now) {
  return ui.facts([
    ["Region", now.region || "None"],
    ["Account number", now.account_number || "Not given"],
    ["Client id", now.client_id || "Not given"],
    ["Redirect address", now.redirect_uri || "Not given"],
    ["Terms agreed to", yes(now.terms_agreed)],
    ["Integrated mode", yes(now.integrated_mode)],
    ["Client secret", now.secrets.client_secret.set ? "Set" : "Not set"],
    ["Web proxy", now.proxy === null ? "None" : `${now.proxy.host}:${now.proxy.port}`],
  ]);
}

function setting({ api, ui, form, again }, { body: now, etag }) {
  const text = (name, label, help = "", value = now[name]) => form.field({ name, label, help, value: value ?? "", autocomplete: "off" });
  const groups = [
    form.group(
      "Account",
      "",
      form.chosen({ name: "region", label: "Region", value: now.region, choices: REGIONS }),
      text("account_number", "Account number", "From the welcome e-mail; digits. Needed where the administrator belongs to several accounts."),
      text("client_id", "Client id", "Mitel gives it to whoever integrates; none is shipped."),
      form.secret({ name: "client_secret", label: "Client secret", help: "Where the client id has one.", since: now.secrets.client_secret.since }),
      text("redirect_uri", "Redirect address", "The one registered for the client id; `https://…`."),
      form.flag({ name: "pkce", label: "Add PKCE to the login (RFC 7636)", help: "A proposal of this product; off unless you know that it is taken.", checked: now.pkce }),
    ),
    form.group(
      "Conditions",
      "",
      form.flag({ name: "terms_agreed", label: "CloudLink’s terms are agreed to", checked: now.terms_agreed }),
      form.flag({ name: "integrated_mode", label: "The server runs in integrated mode", checked: now.integrated_mode }),
    ),
    form.group(
      "Web proxy",
      "Left empty: none.",
      text("proxy/host", "Host", "", now.proxy?.host),
      form.number({ name: "proxy/port", label: "Port", value: now.proxy?.port ?? "" }),
      text("proxy/user", "User", "", now.proxy?.user),
      form.secret({ name: "proxy_password", label: "Password", since: now.secrets.proxy_password.since }),
      form.words({ name: "proxy_exceptions", label: "Without the proxy", help: "Hosts, or domains such as `*.mitel.io`; separated by commas.", value: now.proxy_exceptions }),
    ),
    form.group(
      "Addresses",
      "Each has a usual one, which is used where the field is empty.",
      ...now.addresses.map(({ service, url, is_own: own, source }) =>
        text(`base_urls/${service}`, service.replaceAll("_", " "), own ? "" : `Usually ${url}, ${SOURCES[source] ?? source}.`, now.base_urls[service]),
      ),
    ),
  ];
  const send = async (body) => {
    const { body: after } = await api.call("PUT", "/cloudlink", { body, etag });
    again({ state: "ok", text: after.missing.length === 0 ? "Saved. Nothing is missing." : "Saved. Something is still missing." });
  };
  return form.form({ fields: groups.flatMap(({ fields }) => fields), body: groups.map(({ node }) => node), button: "Save", send });
}

async function activation(context) {
  const { api, ui } = context;
  const report = await api.get("/cloudlink/activation?limit=50");
  const number = (count) => (count === null ? "Being counted" : String(count));
  const counts = ui.facts([
    ["Activated", `${report.successful} of ${number(report.accounts).toLowerCase()}. ${ui.sentence(report.reason)}`],
    ["Ready", number(report.ready)],
    ["Would fail", number(report.would_fail)],
    ...Object.entries(report.by_reason).map(([name, count]) => [REASONS[name] ?? name, number(count)]),
  ]);
  const old = report.counts_are_current ? [] : [ui.paragraph("The accounts are being counted; load the page again for current numbers.")];
  const table = await ui.listing({
    label: "Table of accounts that need something",
    path: "/cloudlink/activation?limit=50",
    first: report,
    headings: ["Account", "Name", "E-mail", "Failure", "What to do"],
    empty: report.accounts === 0 ? "There is no account yet." : "No account would fail.",
    cells: (row) => [row.login_id || row.account, `${row.first_name} ${row.last_name}`.trim(), row.email, told(ui, row.findings, failure), told(ui, row.findings, cure)],
  });
  return [counts, ...old, ui.element("h3", {}, "Accounts that need something"), ui.paragraph("The failure is the text that the Failed User Report would have."), ...table];
}

function failure({ reason, failure: text }) {
  return text ?? REASONS[reason] ?? reason;
}

function cure({ corrective_action: action, retry }) {
  return retry === "by_hand" ? `${action} It is retried by hand.` : action;
}

function told(ui, findings, words) {
  return ui.element("div", {}, ...findings.map((finding) => ui.element("p", {}, words(finding))));
}

function tunnels({ api, ui, form, again }, { body: now, etag }, writes) {
  const standing = [ui.paragraph("A second connection, apart from the one above: inventory, contract, and tunnels to manage this server from outside."), ui.paragraph(ui.sentence(now.reason))];
  const rows = now.tunnels.map(({ interface: name, state, reason }) => [name, ui.state("unknown", state === "stopped" ? "Stopped" : state), ui.sentence(reason)]);
  const table = ui.table("Table of tunnels", ["Interface", "State", "Why"], rows);
  if (!writes) return [...standing, table];
  const fields = [
    form.flag({ name: "enabled", label: "The daemon shall connect", checked: now.enabled }),
    // The set-up has a field of that name already, and names are ids.
    { ...form.field({ name: "daemon_account", label: "Account number", help: `Left empty: the one above${now.account === "" ? "" : `, ${now.account}`}. Both must use one account.`, value: now.account_number, autocomplete: "off" }), name: "account_number" },
    form.number({ name: "auto_stop_hours", label: "A tunnel stops after so many hours", help: "1 to 24.", value: now.auto_stop_hours }),
  ];
  const group = form.group("Daemon", "", ...fields);
  const send = async (body) => {
    await api.call("PUT", "/cloudlink/daemon", { body, etag });
    again({ state: "ok", text: "The daemon’s set-up is saved." });
  };
  return [...standing, table, form.form({ fields, body: [group.node], button: "Save the daemon", send })];
}

function network(ui, { items, reason, advice }) {
  const row = (way) => [way.purpose.replaceAll("_", " "), `${way.host}:${way.port}/${way.protocol}`, way.from.join(", "), yes(way.through_proxy), SOURCES[way.source] ?? way.source];
  return [
    ui.paragraph(`${ui.sentence(reason)} ${advice}`),
    ui.table("Table of ways", ["Purpose", "Where to", "From", "Through the proxy", "Known from"], items.map(row)),
  ];
}
