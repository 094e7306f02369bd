// Federation in the console (seed 000): switching it on and off, and the table of federated servers, which is edited
// in place and applied as a whole. Nothing is stored before Apply, so Reset only reads again.

const PAGE_ROWS = 500;
/** In an address: the certificate of all domains that have none of their own. */
const DEFAULT = "default";
/** Rows of a list that the overview begins with. */
const FIRST_ROWS = 10;
/** Names of a certificate in a list; its own view has all. */
const FEW_NAMES = 3;
/** Rows of the table from which on it can be searched. */
const MANY_ROWS = 20;
/** Which part of each long list is looked at. */
const [SESSIONS, LINKS, DOMAINS] = [1, 2, 3].map(() => ({ words: "", cursors: [""] }));

export async function draw(context) {
  const [what, domain] = context.at;
  if (what === "sessions") return sessions(context);
  if (what === "links") return allLinks(context);
  if (what === "certificates") return domain === undefined ? allCertificates(context) : certificate(context, domain);
  if (what === "test") return test(context, domain);
  return overview(context);
}

async function overview(context) {
  const { api, ui, plugin, message, may, link } = context;
  const [standing, servers, linked, shown, domains] = await Promise.all([
    api.call("GET", "/federation"),
    allServers(api),
    api.get(`/federation/links?limit=${FIRST_ROWS}`),
    api.get("/federation/certificate"),
    api.get(`/federation/certificates?limit=${FIRST_ROWS}`),
  ]);
  const editable = may("federation:write");
  // Domains of external peers have no row of their own, and are not part of what Apply writes.
  const implied = servers.rows.filter(({ revision }) => revision === 0);
  servers.rows = servers.rows.filter(({ revision }) => revision !== 0);
  return [
    ...ui.greeting(message),
    ui.element("h1", {}, plugin.title),
    ui.paragraph("Presence and messages between our users and those of other companies, by XMPP.", {
      class: "lead",
    }),
    condition(ui, standing.body),
    ui.section("Switches", ...switches(context, standing, editable)),
    ui.section("Federated Servers", ...table(context, standing.body, servers, editable), ...peers(context, implied)),
    ui.section("Certificates", ...certificates(context, shown, domains)),
    ui.section("Links", ...links(context, linked)),
    ui.section("Our own users", ...own(ui, link, standing.body.clients)),
  ];
}

/** A long list in a view of its own. */
async function whole({ ui, message, link }, { title, lead, what, path, headings, row, view, empty }) {
  const list = await ui.paged({
    title: `Table of ${what}`,
    headings,
    address: (cursor) => `/federation/${path}?${new URLSearchParams({ limit: "50", cursor, q: view.words })}`,
    row,
    view,
    searchable: true,
    empty,
  });
  return [
    ...ui.greeting(message),
    ui.element("h1", {}, title),
    ui.element("p", {}, ui.element("a", { href: link() }, "Back to Federation")),
    ui.paragraph(lead, { class: "lead" }),
    ...list,
  ];
}

/** The way to the rest of a list whose beginning is shown; nothing where that is all. */
function rest({ ui, link }, { next }, step, words) {
  return next === null ? [] : [ui.element("p", {}, ui.element("a", { href: link(step) }, words))];
}

const CERTIFICATE_HEADS = ["Domain", "Goes by", "Names", "Valid until", "Remark"];

/** What the server shows to others: by default, and for each domain of ours. */
function certificates(context, shown, domains) {
  const { ui } = context;
  const origin = shown.origin === "self_signed" ? "self-signed" : "";
  const first = certificateCells(context, { ...shown, domain: DEFAULT }, "Default", origin);
  return [
    ui.paragraph("Other servers and our users’ clients see the certificate of the domain that they ask for."),
    ui.table("Certificates of our domains", CERTIFICATE_HEADS, [first, ...domains.items.map((one) => certificateCells(context, one))]),
    ...rest(context, domains, "certificates", "See the certificates of all our domains"),
  ];
}

function certificateCells({ ui, link }, { domain, origin, certificates, note }, name = domain, by = origin === "uploaded" ? "its own" : "by default") {
  const [names, end] = certificates.length === 0 ? [["none"], ""] : [certificates[0].names, certificates[0].not_after];
  const more = names.length > FEW_NAMES ? ` and ${names.length - FEW_NAMES} more` : "";
  const some = names.slice(0, FEW_NAMES).join(", ") + more;
  return [ui.element("a", { href: link("certificates", domain) }, name), by, some, end, ui.sentence(note)];
}

function allCertificates(context) {
  return whole(context, {
    title: "Certificates of our domains",
    lead: "Which certificate each domain goes by. Search for a domain, or for words of a remark.",
    what: "certificates",
    path: "certificates",
    headings: CERTIFICATE_HEADS,
    row: (one) => certificateCells(context, one),
    view: DOMAINS,
    empty: "No enterprise has a domain.",
  });
}

/** The certificate of one domain, or the default one with the authorities that are trusted. */
async function certificate(context, domain) {
  const { api, ui, message, may, link } = context;
  const isDefault = domain === DEFAULT;
  const path = isDefault ? "/federation/certificate" : `/federation/certificates/${encodeURIComponent(domain)}`;
  const { etag, body } = await api.call("GET", path);
  const what = isDefault ? "Default certificate" : `Certificate of ${domain}`;
  const seen = (certificates) =>
    certificates.map(({ subject, issuer, names, not_after: end }) => [subject, names.join(", "), issuer, end]);
  const heads = ["Whose it is", "Names", "Signed by", "Valid until"];
  const listed = (caption, certificates) =>
    certificates.length === 0 ? ui.paragraph("There is none.") : ui.table(caption, heads, seen(certificates));
  return [
    ...ui.greeting(message),
    ui.element("h1", {}, what),
    ui.element("p", {}, ui.element("a", { href: link() }, "Back to federation")),
    ...(body.note === "" ? [] : [ui.paragraph(ui.sentence(body.note))]),
    ui.section("What is shown", listed(what, body.certificates)),
    ...(isDefault ? [ui.section("Who is trusted", ui.paragraph("Authorities that are trusted besides the system’s."), listed("Trusted authorities", body.authorities))] : []),
    ...(may("federation:write") ? [ui.section("Another one", exchange(context, { path, etag, body, what, isDefault }))] : []),
  ];
}

function exchange({ form, ui, api, again, go, confirm }, { path, etag, body, what, isDefault }) {
  const help = isDefault ? "PEM, the server’s own first. Left empty: it stays." : "PEM, the server’s own first.";
  const fields = [
    form.lines({ name: "certificate", label: "Certificate", help }),
    form.secret({ name: "key", label: "Private key", help: "PEM. Comes with the certificate.", since: null, long: true }),
  ];
  if (isDefault) fields.push(form.lines({ name: "trusted", label: "Trusted authorities", help: "PEM, one after the other. Take the place of all that are trusted now; left empty, those stay." }));
  const send = async ({ trusted, ...wanted }) => {
    if (trusted !== undefined) wanted.trusted = trusted.split(/(?<=-----END CERTIFICATE-----)/).filter((one) => one.trim() !== "");
    await api.call("PUT", path, { body: wanted, etag });
    again({ state: "ok", text: `Saved: ${what}.` });
  };
  const remove = async () => {
    const ask = { title: `Remove the ${what.toLowerCase()}?`, text: "The domain goes by the default certificate then. For a week this can be undone on the page Audit; then the key is forgotten.", button: "Remove certificate" };
    if (!(await confirm(ask))) return;
    try {
      await api.remove(path, etag);
      go([], { state: "ok", text: `Removed: ${what}.` });
    } catch (cause) {
      again(told(api, cause));
    }
  };
  const others = !isDefault && body.origin === "uploaded" ? [button(ui, "Remove certificate", null, remove)] : [];
  return form.form({ fields, button: "Save", send, others });
}

/** How it does with clients of our own users; who is connected has a view of its own. */
function own(ui, link, { state, reason, connected }) {
  const signs = { idle: "unknown", listening: "ok", not_listening: "warning" };
  const words = { idle: "Nobody can sign in", listening: "Clients are waited for", not_listening: "Not all clients can come" };
  const count = connected === 1 ? "1 session" : `${connected} sessions`;
  return [
    ui.element("p", {}, ui.state(signs[state] ?? "unknown", words[state] ?? state)),
    ui.paragraph(ui.sentence(reason)),
    ui.element("p", {}, ui.element("a", { href: link("sessions") }, `See who is connected: ${count}`)),
  ];
}

/* Sessions of our own users' clients */

function sessions(context) {
  const headings = ["User", "Client", "State", "Since", "From", "Security", "Acknowledges", "On the way"];
  return whole(context, {
    title: "Sessions of our own users",
    lead: "Every client that is signed in. Search for words in its address or IP address.",
    what: "sessions",
    path: "sessions",
    headings: context.may("federation:write") ? [...headings, "End"] : headings,
    row: (session) => sessionCells(context, session),
    view: SESSIONS,
    empty: "Nobody is connected.",
  });
}

const ACKNOWLEDGES = { off: "no", on: "yes", resumable: "yes, and may come back" };

function sessionCells(context, session) {
  const { ui, may } = context;
  const { address, resource, since, client, tls, mechanism, stream_management: management, waiting_bytes: bytes } = session;
  return [
    address,
    resource,
    stands(ui, session),
    new Date(since).toLocaleString(),
    client,
    `${tls}, ${mechanism}`,
    ACKNOWLEDGES[management] ?? management,
    bytes === 0 ? "nothing" : `${bytes.toLocaleString()} bytes`,
    ...(may("federation:write") ? [ending(context, session, `${address}/${resource}`)] : []),
  ];
}

function stands(ui, { state, asleep_until: until }) {
  if (state === "connected") return ui.state("ok", "Connected");
  return ui.state("warning", `Connection lost; may come back until ${new Date(until).toLocaleTimeString()}`);
}

function ending({ api, ui, attempt, confirm }, { id }, name) {
  const ask = {
    title: `End the session of ${name}?`,
    text: "Its client is told and disconnected. It may sign in again; to prevent that, change or remove the account’s password. Messages that have not arrived wait.",
    button: "End Session",
  };
  const end = async () => {
    if (await confirm(ask)) attempt(() => api.call("POST", `/federation/sessions/${id}:end`), `The session of ${name} is ended.`);
  };
  return ui.button("End", end, { class: "quiet", "aria-label": `End the session of ${name}` });
}

/** All rows with the table's version. When it changes between two pages, it is read once more from the beginning. */
async function allServers(api) {
  const rows = [];
  let [etag, cursor] = [null, ""];
  do {
    const page = await api.call("GET", `/federation/servers?limit=${PAGE_ROWS}&cursor=${encodeURIComponent(cursor)}`);
    if (etag !== null && page.etag !== etag) return allServers(api);
    etag = page.etag;
    rows.push(...page.body.items);
    cursor = page.body.next;
  } while (cursor !== null);
  return { etag, rows };
}

function condition(ui, { state, reason }) {
  const titles = {
    disabled: ["unknown", "Disabled"],
    listening: ["ok", "Enabled"],
    starting: ["ok", "Starting"],
    not_listening: ["warning", "Not listening"],
    not_supported: ["warning", "Not supported here"],
  };
  const [sign, title] = titles[state] ?? ["unknown", state];
  return ui.notice(sign, title, ui.paragraph(`${reason[0].toUpperCase()}${reason.slice(1)}.`));
}

const LINK_HEADS = ["Domain", "Our domain", "Direction", "State", "Since", "Last error"];
const NO_LINKS = "There is none yet. A link stands as soon as something is sent.";

/** How the links do, one line each. */
function links(context, linked) {
  const { ui } = context;
  if (linked.items.length === 0) return [ui.paragraph(NO_LINKS)];
  return [
    ui.table("Links to federated servers", LINK_HEADS, linked.items.map(linkCells)),
    ...rest(context, linked, "links", "See all links"),
  ];
}

function linkCells({ domain, own: ours, direction, state, since, last_error: error }) {
  return [domain, ours, direction === "in" ? "from them" : "to them", state, since, error === "" ? "none" : error];
}

function allLinks(context) {
  return whole(context, {
    title: "Links to federated servers",
    lead: "How every link does. Search for a domain, for a state such as waiting, or for words of an error.",
    what: "links",
    path: "links",
    headings: LINK_HEADS,
    row: linkCells,
    view: LINKS,
    empty: NO_LINKS,
  });
}

/* The test of a server */

const STEPS = {
  dns: "Find the host",
  tcp: "Connect",
  tls: "Encryption",
  certificate: "Certificate",
  stream: "Stream",
  authentication: "Who we are",
};
const OUTCOMES = { ok: ["ok", "Done"], failed: ["problem", "Failed"], not_reached: ["unknown", "Not reached"] };

/** The test of one server, in the name of one of our domains where there are several. */
async function test(context, domain) {
  const { api, form, link, ui } = context;
  const { items, next } = await api.get("/enterprises?limit=500");
  const own = items.map((enterprise) => enterprise.domain).filter((name) => (name ?? "") !== "");
  const help = "The appliance speaks for one of them. Left empty: for the one that most likely talks to that server.";
  const several = own.length > 1 || next !== null;
  const place = ui.element("div", { class: "outcome", role: "status" });
  const send = async ({ own: asked = null }) => {
    place.replaceChildren(ui.paragraph("Please wait; this takes up to half a minute."));
    const query = asked === null ? "" : `?${new URLSearchParams({ own: asked })}`;
    try {
      place.replaceChildren(...walked(ui, await api.post(`/federation/servers/${encodeURIComponent(domain)}:test${query}`)));
    } catch (cause) {
      place.replaceChildren();
      throw cause;
    }
  };
  const suggested = ui.element("datalist", { id: "own-domains" }, ...own.map((value) => ui.element("option", { value })));
  return [
    ui.element("h1", {}, `Test of ${domain}`),
    ui.element("p", {}, ui.element("a", { href: link() }, "Back to Federation")),
    ui.paragraph("Goes the whole way to the server, and says how far it comes and what to do. Nothing is sent to anybody.", { class: "lead" }),
    form.form({
      fields: several ? [form.field({ name: "own", label: "Our domain", help, list: "own-domains", autocomplete: "off" })] : [],
      button: "Test",
      send,
      blame: ({ errors }) => (errors[0]?.pointer === "?own" ? ["own", ui.sentence(`Our domain ${errors[0].detail}`)] : null),
    }),
    suggested,
    place,
  ];
}

/** A test, step by step. */
function walked(ui, { ok, domain, own, own_reason: reason, steps, certificate, expected }) {
  const rows = steps.map(({ step, outcome, detail, advice }) => [
    STEPS[step] ?? step,
    ui.state(...(OUTCOMES[outcome] ?? ["unknown", outcome])),
    [detail, advice].filter((text) => text !== "").map(ui.sentence).join(" "),
  ]);
  const seen = certificate === null ? [] : [["Certificate for", certificate.names.join(", ")], ["Expected", expected.join(" or ")], ["Signed by", certificate.issuer], ["Good until", new Date(certificate.not_after).toLocaleString()]];
  return [
    ui.notice(ok ? "ok" : "problem", ok ? `${domain} is reached` : `${domain} is not reached`),
    ui.table("Table of steps", ["Step", "Outcome", "What was seen"], rows),
    ui.facts([["Our domain", `${own}: ${reason}`], ...seen]),
  ];
}

function switches(context, standing, editable) {
  const { ui } = context;
  const { enabled, open } = standing.body;
  const others = open
    ? "Open: servers that are not in the table are talked to as well."
    : "Closed: only the servers of the table are talked to.";
  if (!editable) return [ui.paragraph(enabled ? "Federation is enabled." : "Federation is disabled."), ui.paragraph(others)];
  if (isLacked(standing.body) && !enabled) return [ui.paragraph("Federation is disabled.")];
  const button = (label, wanted, kind, ask) =>
    ui.element(
      "button",
      { type: "button", class: kind, on: { click: () => change(context, standing, wanted, ask) } },
      label,
    );
  const ask = {
    title: "Disable Federation?",
    text: "Users see no presence of other companies’ users and get no messages from them until it is enabled again. The table is kept.",
    button: "Disable Federation",
  };
  const power = enabled
    ? button("Disable Federation", { enabled: false, open }, null, ask)
    : button("Enable Federation", { enabled: true, open }, "primary", null);
  const door = button(open ? "Talk to listed servers only" : "Talk to any server", { enabled, open: !open }, null, null);
  const offered = isLacked(standing.body) ? [power] : [power, door];
  return [ui.paragraph(others), ui.element("div", { class: "actions" }, ...offered)];
}

/** The kind of deployment has no federation (seed 000): what is there can be looked at and taken away. */
function isLacked({ state }) {
  return state === "not_supported";
}

function table(context, standing, servers, editable) {
  if (!editable) return [reading(context.ui, servers.rows)];
  return isLacked(standing) ? [removing(context, servers.rows)] : editing(context, servers);
}

function removing({ api, ui, attempt, confirm }, rows) {
  if (rows.length === 0) return ui.paragraph("There is none.");
  const remove = async (domain) => {
    const ask = { title: `Delete ${domain}?`, text: "It cannot be added again in this kind of deployment.", button: "Delete Server" };
    if (await confirm(ask)) attempt(() => api.remove(`/federation/servers/${domain}`, "*"), `${domain} is deleted.`);
  };
  const cells = ({ domain, server, port }) => [
    domain,
    server ?? "by DNS",
    String(port),
    ui.button("Delete", () => remove(domain), { class: "quiet", "aria-label": `Delete Server ${domain}` }),
  ];
  return ui.table("Rows of the table", ["Domain", "Server", "Port", "Delete Server"], rows.map(cells));
}

async function change({ api, confirm, again }, { etag }, wanted, ask) {
  if (ask !== null && !(await confirm(ask))) return;
  try {
    await api.call("PUT", "/federation", { body: wanted, etag });
    again({ state: "ok", text: wanted.enabled ? "Saved. Federation is enabled." : "Saved. Federation is disabled." });
  } catch (cause) {
    again(told(api, cause));
  }
}

function told(api, cause) {
  const { title, detail } = api.asProblem(cause);
  return { state: "problem", text: `${title}. ${detail}` };
}

function reading(ui, rows) {
  if (rows.length === 0) return ui.paragraph("There is none.");
  const cells = ({ domain, nextplane, server, port }) => [domain, nextplane ? "yes" : "no", server ?? "by DNS", String(port)];
  return ui.table("Rows of the table", ["Domain", "NextPlane", "Server", "Port"], rows.map(cells));
}

/** Domains that are federated because an external peer has them; a row of the same domain takes their place. */
function peers(context, rows) {
  const { ui, may } = context;
  if (rows.length === 0) return [];
  const name = ({ domain }) => (may("federation:write") ? leadsToTest(context, domain, domain) : domain);
  const names = rows.flatMap((row, at) => (at === 0 ? [name(row)] : [", ", name(row)]));
  return [ui.element("p", {}, "Federated without a row, as domains of external peers: ", ...names, ".")];
}

function leadsToTest({ ui, link }, domain, words) {
  return ui.element("a", { href: link("test", domain), "aria-label": `Test ${domain}` }, words);
}

/** The table while it is edited: rows of inputs, and the buttons below. */
function editing(context, { etag, rows }) {
  const { ui } = context;
  const body = ui.element("tbody", {});
  const outcome = ui.element("div", { class: "outcome" });
  const pending = ui.element("p", { class: "help", role: "status" });
  const table = { context, etag, before: rows, body, lines: [], outcome, pending, numbered: 0, showAll: () => {} };
  rows.forEach((row) => addLine(table, row));
  count(table);
  const heads = ["Domain", "NextPlane", "Server", "Port", "Delete Server", "Test"];
  const head = ui.element("tr", {}, ...heads.map((text) => ui.element("th", { scope: "col" }, text)));
  const made = ui.element("table", { class: "stacks" }, ui.element("thead", {}, head), body);
  const scroll = { class: "scroll", role: "region", "aria-label": "Rows of the table", tabindex: "0" };
  return [
    ui.paragraph("DNS names host and port of a domain’s server. A NextPlane server has both written here."),
    outcome,
    ...(rows.length > MANY_ROWS ? [narrowing(table)] : []),
    ui.element("div", scroll, made),
    pending,
    ui.element(
      "div",
      { class: "actions" },
      button(ui, "Add Server", null, () => addLine(table, null).domain.focus()),
      button(ui, "Apply", "primary", () => apply(table)),
      button(ui, "Reset", null, () => context.again({ state: "note", text: "The table is as it is stored." })),
    ),
  ];
}

/** Hides the rows that do not have what is typed; nothing that was edited is lost, and Apply means all rows. */
function narrowing(table) {
  const { ui } = table.context;
  const input = ui.element("input", { type: "search", id: "narrow", autocomplete: "off" });
  const narrow = () => table.lines.forEach(({ node, domain, server }) => {
    node.hidden = ![domain, server].some(({ value }) => value.includes(input.value.trim().toLowerCase()));
  });
  input.addEventListener("input", narrow);
  table.showAll = () => {
    input.value = "";
    narrow();
  };
  return ui.element("div", { class: "field" }, ui.element("label", { for: "narrow" }, "Show only rows with"), input);
}

function button(ui, label, kind, click) {
  const name = label.toLowerCase().replaceAll(" ", "-");
  return ui.element("button", { type: "button", class: kind, "data-does": name, on: { click } }, label);
}

/** A row to edit; `stored` is null for a new one. */
function addLine(table, stored) {
  const { context, body, lines } = table;
  const { ui } = context;
  table.numbered += 1;
  const name = (what) => `${what}-${table.numbered}`;
  const changed = () => count(table);
  const text = (what, label, value, more) => {
    const id = name(what);
    const wide = { id, "aria-label": label, "aria-describedby": `${id}-error`, autocomplete: "off", ...more };
    return ui.element("input", { type: "text", value, on: { input: changed }, ...wide });
  };
  const line = {
    stored,
    domain: text("domain", "Domain", stored?.domain ?? "", { placeholder: "Enter domain" }),
    nextplane: ui.element("input", { type: "checkbox", id: name("nextplane"), "aria-label": "NextPlane", checked: stored?.nextplane ?? false }),
    server: text("server", "Server", stored?.server ?? "", { placeholder: "Enter server" }),
    port: text("port", "Port", stored === null ? "5269" : String(stored.port), { inputmode: "numeric", maxlength: "5" }),
  };
  const opened = () => line.nextplane.checked || (stored?.server ?? null) !== null;
  const open = () => [line.server, line.port].forEach((input) => (input.disabled = !opened()));
  line.nextplane.addEventListener("change", () => {
    open();
    changed();
    if (line.nextplane.checked) line.server.focus();
  });
  const label = `Delete Server ${stored?.domain ?? "new"}`;
  const drop = ui.element("button", { type: "button", class: "quiet", "aria-label": label, on: { click: () => removeLine(table, line) } }, "Delete");
  line.errors = Object.fromEntries(["domain", "nextplane", "server", "port"].map((what) => [what, errorPlace(ui, name(what))]));
  const cell = (what, heading) => ui.element("td", { "data-heading": heading }, line[what], line.errors[what]);
  line.node = ui.element(
    "tr",
    {},
    cell("domain", "Domain"),
    cell("nextplane", "NextPlane"),
    cell("server", "Server"),
    cell("port", "Port"),
    ui.element("td", { "data-heading": "" }, drop),
    ui.element("td", { "data-heading": "" }, stored === null ? "" : leadsToTest(context, stored.domain, "Test")),
  );
  lines.push(line);
  body.append(line.node);
  open();
  count(table);
  return line;
}

function errorPlace(ui, id) {
  return ui.element("p", { class: "error", id: `${id}-error`, hidden: true });
}

function removeLine(table, line) {
  const at = table.lines.indexOf(line);
  table.lines.splice(at, 1);
  line.node.remove();
  count(table);
  const next = table.lines[at] ?? table.lines[at - 1];
  (next?.domain ?? table.body.closest("section").querySelector("[data-does=add-server]")).focus();
}

/** What a row has that is not edited here; it stays as it is. */
const KEPT = ["policy", "confirm_plain", "tls_name"];

/** What a row says, as the API takes it. A server that is not written is DNS's to name. */
function said({ stored, domain, nextplane, server, port }) {
  const open = !server.disabled;
  const number = /^\d{1,5}$/.test(port.value) ? Number(port.value) : port.value;
  const kept = KEPT.filter((name) => stored?.[name] !== undefined).map((name) => [name, stored[name]]);
  return {
    ...Object.fromEntries(kept),
    domain: domain.value.trim(),
    nextplane: nextplane.checked,
    server: open && server.value !== "" ? server.value.trim() : null,
    port: open && port.value !== "" ? number : null,
  };
}

function isChanged(line) {
  const now = said(line);
  const { stored } = line;
  if (stored === null) return true;
  return (
    now.domain !== stored.domain ||
    now.nextplane !== stored.nextplane ||
    now.server !== stored.server ||
    (now.port ?? 5269) !== stored.port
  );
}

function count({ before, lines, pending }) {
  const kept = lines.filter((line) => line.stored !== null).length;
  const changes = lines.filter(isChanged).length + (before.length - kept);
  const words = changes === 1 ? "1 change is" : `${changes} changes are`;
  pending.textContent =
    changes === 0 ? "Nothing is changed." : `${words} not applied yet.`;
}

async function apply(table) {
  const { context, etag, lines, outcome } = table;
  const { api, again } = context;
  lines.forEach(clear);
  outcome.replaceChildren();
  try {
    const body = { servers: lines.map(said) };
    const { added, changed, removed } = (await api.call("POST", "/federation/servers:apply", { body, etag })).body;
    const text = `Applied: ${added.length} added, ${changed.length} changed, ${removed.length} deleted.`;
    again({ state: "ok", text });
  } catch (cause) {
    blame(table, api.asProblem(cause));
  }
}

function clear(line) {
  for (const [what, place] of Object.entries(line.errors)) {
    place.hidden = true;
    line[what].removeAttribute("aria-invalid");
  }
}

/** Puts each sentence next to its field, and the focus on the first; what has no field stands above the table. */
function blame({ context: { ui }, lines, outcome, showAll }, problem) {
  showAll();
  const placed = problem.errors.filter(({ pointer, detail }) => {
    const [, index, what] = /^\/servers\/(\d+)\/(\w+)$/.exec(pointer) ?? [];
    const place = lines[index]?.errors[what];
    if (place === undefined) return false;
    place.replaceChildren(ui.icon("problem"), ui.element("span", {}, detail));
    place.hidden = false;
    lines[index][what].setAttribute("aria-invalid", "true");
    return true;
  });
  const first = lines.flatMap((line) => Object.keys(line.errors).map((what) => line[what]));
  const advice = problem.status === 412 ? ["Reset shows the table as it is now; what you typed is lost then."] : [];
  const title = placed.length > 0 ? "Nothing was applied" : problem.title;
  const words = placed.length > 0 ? [`${placed.length} fields are wrong; each says why.`] : [problem.detail, ...advice];
  const box = ui.notice("problem", title, ...words.map((text) => ui.paragraph(text)));
  outcome.replaceChildren(box);
  (first.find((input) => input.getAttribute("aria-invalid") === "true") ?? box).focus();
}
