// Peering in the console (seeds 001 and 002): the table of peer servers, one peer's details with the directory that its
// contacts come from, the directories of enterprises, and invitations of sister appliances.

const TYPES = { jackfield: "Sister appliance", external: "External" };
const WORDS = {
  connected: ["ok", "Connected"],
  syncing: ["ok", "Syncing"],
  never_connected: ["warning", "Never connected"],
  unreachable: ["warning", "Unreachable"],
  certificate_mismatch: ["problem", "Certificate mismatch"],
  not_trusted: ["problem", "Not trusted by the peer"],
  version_too_old: ["problem", "Version too old"],
  enterprise_not_found: ["problem", "Enterprise not found"],
  disabled: ["unknown", "Disabled"],
  not_supported: ["warning", "Not supported here"],
};
const INVITATIONS = { open: ["ok", "Open"], used: ["unknown", "Used"], void: ["warning", "Void: wrong codes were tried"], expired: ["unknown", "Expired"] };
const HALVES = [["AM", "AM"], ["PM", "PM"]];
const BINDINGS = [["ldaps", "TLS from the beginning (ldaps)"], ["starttls", "TLS by StartTLS"], ["none", "No TLS"]];
const SCOPES = [["subtree", "Everything below"], ["one", "One level below"], ["base", "The base alone"]];

export async function draw(context) {
  const [what, id] = context.at;
  if (what === "peers" && id === "new") return newPeer(context);
  if (what === "peers" && id !== undefined) return onePeer(context, id);
  if (what === "enterprises" && id !== undefined) return oneEnterprise(context, id);
  return overview(context);
}

async function overview(context) {
  const { api, ui, plugin, message, may } = context;
  const [standing, { items: enterprises }] = await Promise.all([api.get("/peering"), api.get("/enterprises?limit=500")]);
  const add = may("peers:write") ? [ui.actions(link(context, "Add Server", "peers", "new"))] : [];
  return [
    ...ui.greeting(message),
    ui.element("h1", {}, plugin.title),
    ui.paragraph("Sister appliances and other messaging servers whose people ours reach.", { class: "lead" }),
    condition(ui, standing),
    ui.section("Peer Servers", ...(await peers(context, standing)), ...add),
    ui.section("Directories of our enterprises", ...directories(context, enterprises)),
    ui.section("Invitations", ...(await invitations(context, enterprises))),
  ];
}

function link({ ui, link }, text, ...steps) {
  return ui.element("a", { href: link(...steps) }, text);
}

function condition(ui, { state, reason }) {
  const [sign, title] = { idle: ["unknown", "Nothing to connect"], connected: ["ok", "Connected"], not_read: ["unknown", "Not read yet"], not_supported: ["warning", "Not supported here"] }[state] ?? ["warning", "Not connected"];
  return ui.notice(sign, title, ui.paragraph(ui.sentence(reason)));
}

function peers(context, first) {
  const { ui } = context;
  return ui.listing({
    label: "Table of peer servers",
    path: "/peering",
    key: "peers",
    first,
    headings: ["Description", "Enterprise", "Server", "Peer Type", "Peer Server Version", "Status"],
    empty: "There is no peer yet.",
    cells: (peer) => [
      link(context, peer.description, "peers", peer.id),
      peer.enterprise,
      server(ui, peer),
      TYPES[peer.kind] ?? "Not set",
      peer.kind === "jackfield" ? (peer.version ?? "Not known yet") : "N/A",
      status(ui, peer),
    ],
  });
}

/** A sister appliance's name leads to its own console. */
function server(ui, { kind, server: host }) {
  if (kind !== "jackfield" || host === null) return "N/A";
  return ui.element("a", { href: `https://${host}/`, target: "_blank", rel: "noopener noreferrer" }, host);
}

function status(ui, { kind, status: word }) {
  if (kind === "external") return "N/A";
  return ui.state(...(WORDS[word] ?? ["warning", word]));
}

function directories(context, enterprises) {
  const { ui } = context;
  if (enterprises.length === 0) return [ui.paragraph("There is no enterprise yet.")];
  const row = ({ id, description, domain }) => [link(context, id, "enterprises", id), description, domain ?? ""];
  const help = ui.paragraph("An enterprise’s accounts may come from an Active Directory or another LDAP directory.");
  return [help, ui.table("Table of enterprises", ["Enterprise", "Description", "Domain"], enterprises.map(row))];
}

async function invitations(context, enterprises) {
  const { api, ui, may, attempt, confirm } = context;
  const trusts = may("peering:trust");
  const withdraw = async ({ id, note }) => {
    const ask = { title: "Withdraw the invitation?", text: `The code for ${note || id} is of no use then.`, button: "Withdraw" };
    if (await confirm(ask)) attempt(() => api.remove(`/peering/invitations/${id}`), "The invitation is withdrawn.");
  };
  const table = await ui.listing({
    label: "Table of invitations",
    path: "/peering/invitations",
    headings: ["For", "Enterprise", "Made by", "Good until", "State", ...(trusts ? [""] : [])],
    empty: "Nobody is invited.",
    cells: (one) => [
      one.note,
      one.enterprise,
      one.made_by,
      new Date(one.expires_at).toLocaleString(),
      one.used_by === null ? ui.state(...(INVITATIONS[one.state] ?? ["unknown", one.state])) : `Used by ${one.used_by}`,
      ...(trusts ? [ui.button("Withdraw", () => withdraw(one), { class: "quiet", "aria-label": `Withdraw the invitation for ${one.note || one.id}` })] : []),
    ],
  });
  return trusts && enterprises.length > 0 ? [...table, ...inviting(context, enterprises), ...accepting(context, enterprises)] : table;
}

function inviting({ api, ui, form }, enterprises) {
  const outcome = ui.element("div", { class: "outcome", role: "status" });
  const fields = [
    form.choice({ name: "enterprise", label: "Our enterprise", choices: enterprises.map(({ id, description }) => [id, `${description} (${id})`]) }),
    form.field({ name: "note", label: "For whom", help: "In words; up to 64 characters.", autocomplete: "off" }),
    form.number({ name: "expires_in_hours", label: "Good for so many hours", value: 24, help: "At most 168, a week." }),
  ];
  const send = async (values) => {
    const { code, expires_at: end, warning } = await api.post("/peering/invitations", values);
    const box = ui.notice(
      "ok",
      "The code is shown this once",
      ui.element("p", {}, ui.element("code", {}, code)),
      ui.paragraph(`An administrator of the other appliance accepts it there, once, until ${new Date(end).toLocaleString()}.`),
      ...(warning ? [ui.paragraph(ui.sentence(warning))] : []),
    );
    outcome.replaceChildren(box);
    box.focus();
  };
  return [ui.element("h3", {}, "Invite a sister appliance"), outcome, form.form({ fields, button: "Make a code", send })];
}

/** The invited side: the code that the other administrator sent. */
function accepting({ api, ui, form, go }, enterprises) {
  const fields = [
    form.choice({ name: "enterprise", label: "Our enterprise", choices: enterprises.map(({ id, description }) => [id, `${description} (${id})`]) }),
    form.lines({ name: "code", label: "Code", help: "As the other administrator sent it." }),
    form.field({ name: "description", label: "Description", help: "Left empty: what the other side calls its enterprise.", autocomplete: "off" }),
  ];
  const send = async (values) => {
    const { peer, hostname } = await api.post("/peering/invitations:accept", values);
    go(["peers", peer], { state: "ok", text: `${hostname} is a peer now.` });
  };
  return [ui.element("h3", {}, "Accept an invitation"), form.form({ fields, button: "Accept", send })];
}

/* Sister appliances */

function when(time) {
  return time === null ? "Never" : new Date(time).toLocaleString();
}

/** How the link with a sister appliance does, and what can be done about it. */
function sister(context, path, { status: word, link }) {
  const { ui, may } = context;
  if (link === null) return [];
  const rows = [
    ["What to do", link.advice && ui.sentence(link.advice)],
    ["Expected", link.expected],
    ["Found", link.found],
    ["Last good", when(link.last_good)],
    ["Version over there", link.version ?? "Not known yet"],
    ["Domain over there", link.domain ?? "Not known yet"],
    ["Reached at", link.address ?? "Not known yet"],
    ["Certificate (SHA-256)", link.fingerprint ?? "None is trusted yet"],
    ["Presence of UPN logins", link.upn_hidden && ui.sentence(link.upn_hidden)],
    ["Messages", link.messages_held && ui.sentence(link.messages_held)],
    ["Clock over there", link.clock_ahead === null ? "" : `${Math.abs(link.clock_ahead)} seconds ${link.clock_ahead > 0 ? "ahead" : "behind"}`],
    ["Last synchronization", synchronized(ui, link)],
  ];
  const facts = ui.facts(rows.filter(([, value]) => value));
  const writes = may("peering:write") && word !== "never_connected";
  const parts = [facts, ...(writes ? [syncing(context, path, link)] : [])];
  if (may("peering:trust") && link.address !== null) parts.push(address(context, path, link.address));
  return [ui.section("Connection", ...parts)];
}

function synchronized(ui, { progress, last_sync: last }) {
  if (progress !== null) return `${progress.done} of ${progress.total} people so far`;
  if (last === null) return "None yet";
  if (last.error) return ui.sentence(`${when(last.at)}: ${last.error}`);
  if (last.held !== null) return ui.sentence(`${when(last.at)}: nothing was changed. ${last.held.what}`);
  return `${when(last.at)}: ${last.adds} added, ${last.changes} changed, ${last.removals} removed`;
}

/** Sync Now, its rehearsal, and the answer to a run that was held. */
function syncing({ api, ui, attempt, confirm }, path, { last_sync: last }) {
  const outcome = ui.element("div", { class: "outcome", role: "status" });
  const sync = (query, text) => attempt(() => api.post(`${path}:sync${query}`, {}), text);
  const rehearse = async () => {
    try {
      const { job } = await api.post(`${path}:sync?dry_run=1`, {});
      const { state, note, result } = await untilOver(api, job);
      const words = state === "done" ? `It would add ${result.adds}, change ${result.changes} and remove ${result.removals} people.` : ui.sentence(note);
      outcome.replaceChildren(ui.notice(state === "done" ? "ok" : "warning", "Rehearsed", ui.paragraph(words)));
    } catch (cause) {
      outcome.replaceChildren(ui.notice("problem", "Not rehearsed", ui.paragraph(api.asProblem(cause).detail)));
    }
  };
  const confirmed = async () => {
    const ask = { title: "Do it all the same?", text: last.held.what, button: "Do it" };
    if (await confirm(ask)) sync("?confirm=1", "Its directory is being brought.");
  };
  const buttons = [ui.button("Sync Now", () => sync("", "Its directory is being brought.")), ui.button("Rehearse", rehearse, { class: "quiet" })];
  if (last !== null && last.held !== null) buttons.push(ui.button("Confirm what was held", confirmed));
  return ui.element("div", {}, outcome, ui.actions(...buttons));
}

/** A job once it has ended; asked a minute long. */
async function untilOver(api, id) {
  for (let times = 0; times < 120; times += 1) {
    const job = await api.get(`/jobs/${id}`);
    if (job.ended_at !== null) return job;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  return { state: "running", note: "it goes on; the page Jobs shows how far it is" };
}

function address({ api, form, again }, path, now) {
  const fields = [form.field({ name: "address", label: "Reached at", value: now, help: "HOST:PORT. Kept only when the appliance there has the trusted certificate.", autocomplete: "off" })];
  const send = async (values) => {
    await api.call("PUT", `${path}/address`, { body: values });
    again({ state: "ok", text: "The appliance there is the trusted one. Saved." });
  };
  return form.form({ fields, button: "Check and save", send });
}

/** Select Enterprise (seed 001): those over there, to choose from. */
function selecting({ api, ui, again }, path, peer, etag) {
  const outcome = ui.element("div", { class: "outcome", role: "status" });
  const choose = async (id) => {
    try {
      await api.call("PATCH", path, { body: { peer_enterprise: id }, etag });
      again({ state: "ok", text: `The peer enterprise is ${id} now.` });
    } catch (cause) {
      outcome.replaceChildren(ui.notice("problem", "Not changed", ui.paragraph(api.asProblem(cause).detail)));
    }
  };
  const list = async () => {
    try {
      const { items } = await api.get(`${path}/enterprises`);
      const row = ({ id, description }) => [id, description, id.toLowerCase() === peer.peer_enterprise?.toLowerCase() ? "Selected" : ui.button("Select", () => choose(id), { "aria-label": `Select ${id}` })];
      outcome.replaceChildren(ui.table("Enterprises over there", ["Enterprise", "Description", ""], items.map(row)));
    } catch (cause) {
      outcome.replaceChildren(ui.notice("problem", "The list is not to be had", ui.paragraph(api.asProblem(cause).detail)));
    }
  };
  return ui.section("Peer enterprise", ui.actions(ui.button("Select Enterprise", list)), outcome);
}

/* Peer Server Details */

function back(context) {
  return context.ui.element("p", {}, link(context, "Back to all peers"));
}

async function newPeer(context) {
  const { api, ui, message, go } = context;
  const { items: enterprises } = await api.get("/enterprises?limit=500");
  const send = async (values) => {
    const { id, description } = await api.post("/peers", values);
    go(["peers", id], { state: "ok", text: `${description} was added.` });
  };
  const own = enterprises.map(({ id, description }) => [id, `${description} (${id})`]);
  const fresh = { kind: "jackfield", enterprise: enterprises[0]?.id };
  return [
    ...ui.greeting(message),
    ui.element("h1", {}, "Add Server"),
    back(context),
    enterprises.length === 0 ? ui.paragraph("There is no enterprise yet that it could be a peer of.") : details(context, fresh, own, "Add", send),
  ];
}

async function onePeer(context, id) {
  const { api, ui, message, may, again, go, confirm } = context;
  const path = `/peers/${encodeURIComponent(id)}`;
  const [{ body: peer, etag }, standing] = await Promise.all([api.call("GET", path), api.get(`${path}/status`)]);
  const send = async (values) => {
    // A kind that is set stays; it says so itself.
    await api.call("PUT", path, { body: { ...values, enterprise: peer.enterprise }, etag });
    again({ state: "ok", text: "Saved." });
  };
  const remove = async () => {
    const text = "All that belongs to it goes with it: contacts, and the directory with its password.";
    if (!(await confirm({ title: `Delete ${peer.description}?`, text, button: "Delete" }))) return;
    try {
      await api.remove(path, etag);
      go([], { state: "ok", text: `${peer.description} is deleted.` });
    } catch (cause) {
      again({ state: "problem", text: api.asProblem(cause).detail });
    }
  };
  const { reason } = standing;
  const writes = may("peers:write");
  return [
    ...ui.greeting(message),
    ui.element("h1", {}, peer.description),
    back(context),
    ui.facts([
      ["Status", standing.status === null ? "N/A" : status(ui, standing)],
      ["Why", ui.sentence(reason)],
      ["Since", new Date(standing.since).toLocaleString()],
      ["Enterprise", peer.enterprise],
    ]),
    ...(peer.kind === "jackfield" ? sister(context, path, standing) : []),
    ui.section("Peer Server Details", writes ? details(context, peer, null, "Save", send) : reading(ui, peer)),
    ...(peer.kind === "jackfield" && writes ? [selecting(context, path, peer, etag)] : []),
    ...(peer.kind === "external" ? [await directory(context, path, may("peering:write"))] : []),
    ...(writes ? [ui.section("Deleting", ui.actions(ui.button("Delete Server", remove)))] : []),
  ];
}

function reading(ui, peer) {
  return ui.facts([
    ["Peer Type", TYPES[peer.kind] ?? "Not set"],
    ["Hostname", peer.hostname ?? "N/A"],
    ["Peer enterprise ID", peer.peer_enterprise ?? "N/A"],
    ["Peer Dialing Prefix", peer.dialing_prefix || "None"],
    ["Synchronization", peer.sync_every_days === 0 ? "When somebody asks" : `Every ${peer.sync_every_days} days`],
  ]);
}

/** The fields of seed 001. Those of sister appliances alone are hidden for others. */
function details({ ui, form }, peer, enterprises, button, send) {
  const fixed = enterprises === null && (peer.kind ?? null) !== null;
  const types = Object.entries(TYPES);
  const kind = form.chosen({ name: "kind", label: "Peer Type", value: peer.kind, help: fixed ? "It stays what it is; delete the peer to change it." : "", choices: fixed ? types.filter(([name]) => name === peer.kind) : [...(enterprises === null ? [["", "Not set"]] : []), ...types] });
  const text = (name, label, help) => form.field({ name, label, help, value: peer[name] ?? "", autocomplete: "off" });
  const common = [
    ...(enterprises === null ? [] : [form.choice({ name: "enterprise", label: "Enterprise", choices: enterprises })]),
    kind,
    text("description", "Description", "Up to 64 letters, digits, dashes and spaces."),
  ];
  const sister = form.group(
    "Sister appliance",
    "",
    text("hostname", "Hostname", "Fully qualified, as in the certificate of the other appliance."),
    text("peer_enterprise", "Peer enterprise ID", "Of the enterprise over there: 4 to 32 letters, digits and dashes."),
    text("dialing_prefix", "Peer Dialing Prefix", "Where PBXs do not dial each other’s extensions transparently. A leading `-` leaves out the node’s outgoing digit."),
  );
  const schedule = form.group(
    "Synchronization",
    "",
    form.number({ name: "sync_every_days", label: "Every so many days", value: peer.sync_every_days ?? 0, help: "0: only when somebody asks." }),
    form.number({ name: "sync_hour", label: "Hour", value: peer.sync_hour ?? 2, help: "1 to 12." }),
    form.number({ name: "sync_minute", label: "Minute", value: peer.sync_minute ?? 0 }),
    form.chosen({ name: "sync_half", label: "AM or PM", value: peer.sync_half ?? "AM", choices: HALVES }),
  );
  const show = (word) => (sister.node.hidden = word === "external");
  kind.onChange(show);
  show(peer.kind ?? "");
  const own = sister.fields.map((field) => ({ ...field, value: () => (sister.node.hidden ? "" : field.value()) }));
  const fields = [...common, ...own, ...schedule.fields];
  return form.form({ fields, body: [...common.map((field) => field.node), sister.node, schedule.node], button, send });
}

/* Directories */

async function oneEnterprise(context, id) {
  const { api, ui, message, may } = context;
  const path = `/enterprises/${encodeURIComponent(id)}`;
  const enterprise = await api.get(path);
  return [
    ...ui.greeting(message),
    ui.element("h1", {}, `Directory of ${enterprise.description || id}`),
    back(context),
    await directory(context, path, may("peering:write"), true),
  ];
}

/** The synchronizer at a path, or a form that makes one. */
async function directory(context, owner, writes, scheduled = false) {
  const { api, ui, attempt, again, confirm } = context;
  const path = `${owner}/synchronizer`;
  const { body: now, etag } = await api.call("GET", path).catch((cause) => {
    if (cause.status !== 404) throw cause;
    return { body: null };
  });
  const send = async (values) => {
    const { body } = await api.call("PUT", path, { body: { ...(now === null ? {} : { mapping: now.mapping }), ...values }, etag });
    again({ state: body.warnings.length === 0 ? "ok" : "warning", text: ["Saved.", ...body.warnings.map(ui.sentence)].join(" ") });
  };
  const forget = async () => {
    const text = "Its password is forgotten with it, and everybody who came from it is deleted.";
    const ask = { title: "Forget the directory?", text, button: "Forget" };
    if (await confirm(ask)) attempt(() => api.remove(path, etag), "The directory is forgotten.");
  };
  const standing = now === null ? [ui.paragraph("None is set up.")] : [await synchronization(context, owner, now, writes)];
  const place = now === null || writes ? [] : [ui.facts([["Where", now.path], ["Search base", now.search_base], ["Filter", now.filter]])];
  const edit = writes ? [synchronizer(context, now ?? {}, scheduled, send)] : [];
  const drop = writes && now !== null ? [ui.actions(ui.button("Forget the directory", forget))] : [];
  return ui.section("AD/LDAP synchronizer", ...standing, ...place, ...edit, ...drop);
}

/* Runs */

const STATES = {
  never_synchronized: ["warning", "Never synchronized"],
  synchronizing: ["note", "Synchronizing"],
  synchronized: ["ok", "Synchronized"],
  held: ["warning", "Waits for your answer"],
  failed: ["problem", "Could not be read"],
  cancelled: ["unknown", "Cancelled"],
};

/** How a synchronizer does, with what can be done about it. */
async function synchronization(context, owner, now, writes) {
  const { ui } = context;
  const [sign, title] = STATES[now.state] ?? ["unknown", now.state];
  const place = ui.element("div", { class: "outcome", role: "status" });
  const warnings = now.warnings.map((text) => ui.paragraph(ui.sentence(text)));
  if (now.job !== null) place.replaceChildren(...(await context.follow(now.job, (job) => ended(context, job))));
  return ui.element(
    "div",
    {},
    ui.notice(sign, title, ui.paragraph(ui.sentence(now.reason)), ...warnings),
    ...latest(ui, now),
    ...(writes ? [controls(context, owner, now, place)] : []),
    place,
  );
}

function latest(ui, { since, next_at: next, latest: run }) {
  const when = (at) => (at === null || at === undefined ? "Never" : new Date(at).toLocaleString());
  const rows = [
    ["Since", when(since)],
    ["Last run", when(run?.last_run_at)],
    ["Last success", when(run?.last_good_at)],
    ["Next run", next === null ? "When somebody asks" : when(next)],
    ...(run === null ? [] : [["Entries", tally(run.counts)]]),
  ];
  return [ui.facts(rows), ...flaws(ui, run?.errors ?? [])];
}

function tally({ entries, adds, changes, removals, unchanged, errors }) {
  return `${entries} read: ${adds} added, ${changes} changed, ${removals} removed, ${unchanged} as before, ${errors} with errors`;
}

function flaws(ui, errors) {
  if (errors.length === 0) return [];
  const rows = errors.map(({ name, attribute, detail }) => [name, attribute, ui.sentence(detail)]);
  return [ui.element("h3", {}, "Entries with errors"), ui.table("Table of entries with errors", ["Entry", "Attribute", "What is wrong"], rows)];
}

/** Sync Now, a trial of it, the test, and the answer to a run that was held. */
function controls(context, owner, now, place) {
  const { api, ui, confirm } = context;
  const sync = owner.startsWith("/peers/") ? `${owner}:sync` : `${owner}/synchronizer:sync`;
  const shown = async (act) => {
    try {
      place.replaceChildren(ui.paragraph("Please wait."));
      place.replaceChildren(...(await act()));
    } catch (cause) {
      const { title, detail } = api.asProblem(cause);
      place.replaceChildren(ui.notice("problem", title, ui.paragraph(detail)));
    }
  };
  const run = (query) => shown(async () => context.follow((await api.post(`${sync}${query}`)).job, (job) => ended(context, job)));
  const confirmed = async () => {
    const ask = { title: "Do what the run asked about?", text: now.reason, button: "Do it" };
    if (await confirm(ask)) run("?confirm=1");
  };
  return ui.actions(
    ui.button("Sync Now", () => run("")),
    ui.button("Show what it would do", () => run("?dry_run=1"), { class: "quiet" }),
    ui.button("Test", () => shown(async () => walked(ui, await api.post(`${owner}/synchronizer:test`))), { class: "quiet" }),
    ...(now.state === "held" ? [ui.button("Confirm the changes", confirmed)] : []),
  );
}

/** What came of a run. */
function ended({ ui, again }, { state, note, result }) {
  if (result === null) return [ui.notice(state === "cancelled" ? "unknown" : "problem", "Nothing was changed", ui.paragraph(ui.sentence(note)))];
  const [sign, title] = STATES[result.state] ?? ["unknown", result.state];
  const look = result.dry_run ? [] : [ui.actions(ui.button("Look again", () => again()))];
  const said = ui.notice(sign, result.dry_run ? "This was a trial: nothing was changed" : title, ui.paragraph(ui.sentence(result.reason)));
  return [said, ...look, ...(result.list ? people(ui, result.list) : []), ...flaws(ui, result.errors)];
}

function people(ui, { adds, changes, removals }) {
  const rows = [...adds.map((one) => ["Add", one]), ...changes.map((one) => ["Change", one]), ...removals.map((one) => ["Remove", one])];
  if (rows.length === 0) return [];
  const cells = rows.map(([what, { login_id: login, name }]) => [what, login, name]);
  return [ui.table("Table of what would be done", ["What", "Login", "Name"], cells)];
}

const STEPS = {
  resolve: "Find the host",
  connect: "Connect",
  tls: "Encryption",
  bind: "Sign in",
  base: "Search base",
  filter: "Filter",
  sample: "People",
};
const OUTCOMES = { ok: ["ok", "Done"], failed: ["problem", "Failed"], skipped: ["unknown", "Not reached"] };

/** A test, step by step. */
function walked(ui, { ok, steps, certificate, expected_name: expected, sample, errors }) {
  const rows = steps.map(({ step, outcome, detail, advice }) => [
    STEPS[step] ?? step,
    ui.state(...(OUTCOMES[outcome] ?? ["unknown", outcome])),
    [detail, advice].filter((text) => text !== "").map(ui.sentence).join(" "),
  ]);
  const shown = certificate === null ? [] : [ui.facts([["Certificate for", certificate.names.join(", ")], ["Expected", expected], ["Signed by", certificate.issuer], ["Good until", new Date(certificate.not_after).toLocaleString()]])];
  const found = sample.map((one) => [one.login_id, `${one.first_name ?? ""} ${one.last_name}`.trim(), one.email ?? "", one.extension ?? "", one.folder ?? ""]);
  return [
    ui.notice(ok ? "ok" : "problem", ok ? "The directory can be read" : "The directory cannot be read"),
    ui.table("Table of steps", ["Step", "Outcome", "What was seen"], rows),
    ...shown,
    ...(found.length === 0 ? [] : [ui.table("Table of people", ["Login", "Name", "E-mail", "Extension", "Folder"], found)]),
    ...flaws(ui, errors),
  ];
}

function synchronizer({ form }, now, scheduled, send) {
  const text = (name, label, help = "") => form.field({ name, label, help, value: now[name] ?? "", autocomplete: "off" });
  const number = (name, label, usual, help = "") => form.number({ name, label, help, value: now[name] ?? usual });
  const groups = [
    form.group(
      "Where it is",
      "",
      text("description", "Description", "Up to 64 characters."),
      text("domain", "Domain", "XMPP domain of the people in it."),
      text("host", "Host"),
      form.number({ name: "port", label: "Port", value: now.port ?? "", help: "Left empty: the usual one." }),
      form.chosen({ name: "tls", label: "Encryption", value: now.tls ?? "ldaps", choices: BINDINGS }),
      text("base_dn", "Base DN", "Such as `DC=example,DC=com`."),
      form.lines({ name: "ca_certificate", label: "Trusted certificates", help: "PEM. Left empty: those that the appliance trusts.", value: now.ca_certificate ?? "" }),
    ),
    form.group(
      "Signing in there",
      "Left empty, the directory is read anonymously.",
      text("bind_dn", "Bind DN", "A distinguished name or a user principal name."),
      form.secret({ name: "password", label: "Password", help: "Asked for anew when host, port, encryption or bind DN change.", since: now.password_set_at ?? null }),
    ),
    form.group(
      "What is read",
      "",
      text("search_context", "Search context", "Below the base DN, such as `OU=Sales`."),
      text("filter", "Filter", "Left empty: people without computers."),
      form.chosen({ name: "scope", label: "How deep", value: now.scope ?? "subtree", choices: SCOPES }),
      number("page_size", "Entries of one answer", 500),
      number("max_removal_percent", "Stop when more would go, in percent", 20),
      number("grace_days", "Keep who is gone for so many days", 7),
    ),
    ...(scheduled ? [times(form, now), newcomers(form, now)] : []),
  ];
  return form.form({ fields: groups.flatMap(({ fields }) => fields), body: groups.map(({ node }) => node), button: "Save", send });
}

function newcomers(form, now) {
  return form.group(
    "New accounts",
    "",
    form.flag({ name: "deploy", label: "Put into use at once", value: now.deploy ?? true }),
    form.field({ name: "profile", label: "User profile", help: "Its id. Left empty: the Default User Profile.", value: now.profile ?? "", autocomplete: "off" }),
  );
}

function times(form, now) {
  const number = (name, label, usual, help = "") => form.number({ name, label, help, value: now[name] ?? usual });
  return form.group(
    "When it is read",
    "",
    number("sync_every_days", "Every so many days", 0, "0: only when somebody asks."),
    number("sync_hour", "Hour", 2, "1 to 12."),
    number("sync_minute", "Minute", 0),
    form.chosen({ name: "sync_half", label: "AM or PM", value: now.sync_half ?? "AM", choices: HALVES }),
  );
}
