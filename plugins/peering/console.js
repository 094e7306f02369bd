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
  if (what === "invite") return inviting(context);
  if (what === "accept") return accepting(context);
  return overview(context);
}

async function overview(context) {
  const { api, ui, plugin, message, may } = context;
  const { id: enterprise, node: box } = await context.enterprise();
  const head = [
    ...ui.greeting(message),
    ui.element("h1", {}, plugin.title),
    ui.paragraph("Sister appliances and other messaging servers whose people ours reach.", { class: "lead" }),
  ];
  if (enterprise === null) return [...head, box];
  const standing = await api.get(`/peering?enterprise=${encodeURIComponent(enterprise)}`);
  const trusts = may("peering:trust") ? [action(context, "Invite a sister appliance", "invite"), action(context, "Accept an invitation", "accept")] : [];
  const adds = may("peers:write") ? [action(context, "Add Server", "peers", "new")] : [];
  return [
    ...head,
    condition(ui, standing),
    box,
    ui.section("Peer Servers", ...(await peers(context, standing, enterprise)), ui.actions(...adds, ...trusts)),
    ui.section("Invitations", ...(await invitations(context, enterprise))),
    ui.section("Our own directory", ui.paragraph("The accounts of this enterprise may come from an Active Directory or another LDAP directory."), ui.element("p", {}, link(context, `Directory of ${enterprise}`, "enterprises", enterprise))),
    ui.section("This appliance", ourselves(ui, standing.us)),
  ];
}

/** What sister appliances know this one as. */
function ourselves(ui, us) {
  const closed = us.closed.length === 0 ? "Closed: it opens while somebody is invited or a peer" : ui.sentence(us.closed.join("; "));
  return ui.facts([
    ["Name", us.names.join(", ")],
    ["Reached at", us.address],
    ["Port", us.listens.length === 0 ? closed : `Open: ${us.listens.join(", ")}`],
    ["Certificate (SHA-256)", us.fingerprint],
  ]);
}

/** A link that looks like a button: it leads to where something is done. */
function action({ ui, link }, text, ...steps) {
  return ui.element("a", { class: "button", href: link(...steps) }, text);
}

function link({ ui, link }, text, ...steps) {
  return ui.element("a", { href: link(...steps) }, text);
}

function condition(ui, { state, reason }) {
  const [sign, title] = { idle: ["unknown", "Nothing to connect"], connected: ["ok", "Connected"], not_read: ["unknown", "Not read yet"], not_supported: ["warning", "Not supported here"] }[state] ?? ["warning", "Not connected"];
  return ui.notice(sign, title, ui.paragraph(ui.sentence(reason)));
}

function peers(context, first, enterprise) {
  const { ui } = context;
  return ui.listing({
    label: "Table of peer servers",
    path: `/peering?enterprise=${encodeURIComponent(enterprise)}`,
    key: "peers",
    first,
    headings: ["Description", "Server", "Peer Type", "Peer Server Version", "Status"],
    empty: "There is no peer yet. A sister appliance becomes one by an invitation, of either side; any other messaging server is added.",
    cells: (peer) => [
      link(context, peer.description, "peers", peer.id),
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

async function invitations(context, enterprise) {
  const { api, ui, may, attempt, confirm } = context;
  const trusts = may("peering:trust");
  const withdraw = async ({ id, note }) => {
    const ask = { title: "Withdraw the invitation?", text: `The code for ${note || id} is of no use then.`, button: "Withdraw" };
    if (await confirm(ask)) attempt(() => api.remove(`/peering/invitations/${id}`), "The invitation is withdrawn.");
  };
  const withdrawing = (one) => (one.state === "open" ? ui.button("Withdraw", () => withdraw(one), { class: "quiet", "aria-label": `Withdraw the invitation for ${one.note || one.id}` }) : "");
  return ui.listing({
    label: "Table of invitations",
    path: `/peering/invitations?enterprise=${encodeURIComponent(enterprise)}`,
    headings: ["For", "Made by", "Good until", "State", ...(trusts ? [""] : [])],
    empty: "Nobody is invited.",
    cells: (one) => [
      one.note || "Anybody",
      one.made_by,
      new Date(one.expires_at).toLocaleString(),
      one.used_by === null ? ui.state(...(INVITATIONS[one.state] ?? ["unknown", one.state])) : `Used by ${one.used_by}`,
      ...(trusts ? [withdrawing(one)] : []),
    ],
  });
}

async function inviting(context) {
  const { api, ui, form } = context;
  const { id: enterprise, node: box } = await context.enterprise();
  const outcome = ui.element("div", { class: "outcome", role: "status" });
  const fields = [
    form.field({ name: "note", label: "For whom", help: "In words, to know the invitation by; up to 64 characters.", autocomplete: "off" }),
    form.number({ name: "expires_in_hours", label: "Good for so many hours", value: 24, help: "At most 168, a week." }),
  ];
  const send = async (values) => {
    const { code, expires_at: end, warning } = await api.post("/peering/invitations", { ...values, enterprise });
    const text = ui.element("textarea", { readonly: true, rows: "6", "aria-label": "Code", on: { focus: (event) => event.target.select() } }, code);
    const box = ui.notice(
      "ok",
      "The code is shown this once",
      ui.element("div", { class: "control" }, text),
      ui.paragraph(`Send it to an administrator of the other appliance, who opens Peering there and chooses Accept an invitation. It is good once, until ${new Date(end).toLocaleString()}. The peer appears here by itself.`),
      ...(warning ? [ui.paragraph(ui.sentence(warning))] : []),
    );
    outcome.replaceChildren(box);
    box.focus();
  };
  return [
    ui.element("h1", {}, "Invite a sister appliance"),
    back(context),
    box,
    ...(enterprise === null ? [] : [outcome, form.form({ fields, button: "Make a code", send })]),
  ];
}

/** The invited side: the code that the other administrator sent. */
async function accepting(context) {
  const { api, ui, form, go } = context;
  const { id: enterprise, node: box } = await context.enterprise();
  const fields = [
    form.lines({ name: "code", label: "Code", help: "As the other administrator sent it; line ends do no harm." }),
    form.field({ name: "description", label: "Description", help: "What the peer is called here, and the folder of its contacts. Left empty: what the other side calls its enterprise.", autocomplete: "off" }),
  ];
  const send = async (values) => {
    const { peer, hostname } = await plainly(() => api.post("/peering/invitations:accept", { ...values, enterprise }));
    go(["peers", peer], { state: "ok", text: `${hostname} is a peer now.` });
  };
  return [
    ui.element("h1", {}, "Accept an invitation"),
    back(context),
    ui.paragraph("The other appliance then is a peer of the enterprise that is chosen here. Nothing is said to it before its certificate is the one that the code is about."),
    box,
    ...(enterprise === null ? [] : [form.form({ fields, button: "Accept", send })]),
  ];
}

/** Does it; a refusal that begins with a word for programs begins with the word for people. */
async function plainly(act) {
  try {
    return await act();
  } catch (cause) {
    const found = /^([a-z_]+): /.exec(cause.detail ?? "");
    if (found !== null && WORDS[found[1]] !== undefined) cause.detail = `${WORDS[found[1]][1]}: ${cause.detail.slice(found[0].length)}`;
    throw cause;
  }
}

/* Sister appliances */

function when(time) {
  return time === null ? "Never" : new Date(time).toLocaleString();
}

/** How the link with a sister appliance does, drawn anew when that changes, and what can be done about it. */
function sister(context, path, standing) {
  const { ui, may } = context;
  const trusts = may("peering:trust");
  const connection = ui.element("div");
  const answer = ui.element("div");
  const sync = syncing(context, path);
  const confirmed = () => {
    answer.replaceChildren();
    sync.run("?confirm=1");
  };
  const show = ({ link }) => {
    connection.replaceChildren(facts(ui, link));
    // Whoever is just answering is left alone.
    if (!answer.contains(document.activeElement)) answer.replaceChildren(...held(context, link, confirmed));
  };
  show(standing);
  const { link } = standing;
  const parts = [connection, answer];
  if (may("peering:write") && (link.trusted_at !== null || link.within)) parts.push(sync.node);
  if (may("peering:write")) parts.push(guard(context, path, link.guard));
  if (trusts && link.address !== null) parts.push(address(context, path, link.address));
  const asks = trusts && !link.within && ["never_connected", "not_trusted"].includes(link.status);
  const trust = asks ? [ui.section("Trust", ui.paragraph("The two appliances trust each other once one of them was invited by the other, for these two enterprises."), ui.actions(action(context, "Invite it", "invite"), action(context, "Accept its invitation", "accept")))] : [];
  return { sections: [...trust, ui.section("Connection", ...parts)], show };
}

function facts(ui, link) {
  const rows = [
    ["Expected", link.expected],
    ["Found", link.found],
    ["Last good", when(link.last_good)],
    ["Version over there", link.version ?? "Not known yet"],
    ["Domain over there", link.domain ?? "Not known yet"],
    ["Reached at", link.within ? "It is this appliance" : (link.address ?? "Not known yet")],
    ["Certificate (SHA-256)", link.within ? "" : (link.fingerprint ?? "None is trusted yet")],
    ["Presence of UPN logins", link.upn_hidden && ui.sentence(link.upn_hidden)],
    ["Messages", link.messages_held && ui.sentence(link.messages_held)],
    ["Clock over there", link.clock_ahead === null ? "" : `${Math.abs(link.clock_ahead)} seconds ${link.clock_ahead > 0 ? "ahead" : "behind"}`],
    ["Last synchronization", synchronized(ui, link)],
  ];
  return ui.facts(rows.filter(([, value]) => value));
}

function synchronized(ui, { progress, last_sync: last }) {
  if (progress !== null) return `${progress.done} of ${progress.total} people so far`;
  if (last === null) return "None yet";
  if (last.error) return ui.sentence(`${when(last.at)}: ${last.error}`);
  if (last.held !== null) return `${when(last.at)}: nothing was changed, it waits for your answer`;
  return `${when(last.at)}: ${brought(last)}`;
}

function brought({ adds, changes, removals }) {
  return adds + changes + removals === 0 ? "nothing was new" : `${adds} added, ${changes} changed, ${removals} removed`;
}

/** What a run asked about that changed nothing. */
function held({ ui, may, confirm }, { last_sync: last }, confirmed) {
  if (last === null || last.held === null) return [];
  const ask = { title: "Do what the run asked about?", text: last.held.what, button: "Do it" };
  const answers = async () => ((await confirm(ask)) ? confirmed() : null);
  const buttons = may("peering:write") ? [ui.actions(ui.button("Confirm the changes", answers))] : [];
  return [ui.notice("warning", "Nothing was changed: it waits for your answer", ui.paragraph(ui.sentence(last.held.what)), ...buttons)];
}

/** Sync Now, and a trial of it. */
function syncing(context, path) {
  const { api, ui } = context;
  const place = ui.element("div", { class: "outcome", role: "status", tabindex: "-1" });
  const run = async (query) => {
    place.replaceChildren(ui.paragraph("Please wait."));
    place.focus();
    try {
      const { job } = await api.post(`${path}:sync${query}`);
      place.replaceChildren(...(await context.follow(job, (ended) => came(ui, ended, query === "?dry_run=1"))));
    } catch (cause) {
      const { title, detail } = api.asProblem(cause);
      place.replaceChildren(ui.notice("problem", title, ui.paragraph(detail)));
    }
  };
  const buttons = [ui.button("Sync Now", () => run("")), ui.button("Show what it would do", () => run("?dry_run=1"), { class: "quiet" })];
  return { node: ui.element("div", {}, ui.actions(...buttons), place), run };
}

/** What came of it. */
function came(ui, { state, note, result }, isTrial) {
  if (state !== "done") return [ui.notice("problem", "Nothing was changed", ui.paragraph(ui.sentence(note)))];
  const title = isTrial ? "This was a trial: nothing was changed" : result.held === null ? "Synchronized" : "Nothing was changed: it waits for your answer";
  const words = result.held === null || isTrial ? ui.sentence(brought(result)) : ui.sentence(result.held.what);
  return [ui.notice(result.held === null ? "ok" : "warning", title, ui.paragraph(words)), ...(isTrial && result.list ? people(ui, result.list) : [])];
}

/** What is never done without asking. */
function guard({ api, form, again }, path, now) {
  const { node, fields } = form.group("When people go over there", "", ...caution(form, now));
  const send = async (values) => {
    await api.call("PUT", `${path}/guard`, { body: values });
    again({ state: "ok", text: "Saved." });
  };
  return form.form({ fields, body: [node], button: "Save", send });
}

function caution(form, now) {
  return [
    form.number({ name: "max_removal_percent", label: "Stop when more would go, in percent", value: now.max_removal_percent ?? 20 }),
    form.number({ name: "grace_days", label: "Keep who is gone for so many days", value: now.grace_days ?? 7 }),
  ];
}

function address({ api, form, again }, path, now) {
  const field = form.field({ name: "address", label: "Reached at", value: now, help: "HOST:PORT. It tells a new one by itself; where it cannot, say it here. Kept only when the appliance there has the trusted certificate.", autocomplete: "off" });
  const { node, fields } = form.group("Address", "", field);
  const send = async (values) => {
    await plainly(() => api.call("PUT", `${path}/address`, { body: values }));
    again({ state: "ok", text: "The appliance there is the trusted one. Saved." });
  };
  return form.form({ fields, body: [node], button: "Check and save", send });
}

/** Select Enterprise (seed 001): those over there, one of which fills the field. */
function selecting({ api, ui }, path, field) {
  const input = field.node.querySelector("input");
  const outcome = ui.element("div", { class: "outcome", role: "status" });
  const select = (id) => {
    input.value = id;
    outcome.replaceChildren();
    field.focus();
  };
  const row = ({ id, description }) => [id, description, ui.button("Select", () => select(id), { "aria-label": `Select ${id}` })];
  const list = async () => {
    try {
      const { items } = await plainly(() => api.get(`${path}/enterprises`));
      outcome.replaceChildren(ui.table("Enterprises over there", ["Enterprise", "Description", ""], items.map(row)));
    } catch (cause) {
      outcome.replaceChildren(ui.notice("problem", "The list is not to be had", ui.paragraph(api.asProblem(cause).detail)));
    }
  };
  input.after(ui.button("Select Enterprise", list));
  field.node.append(outcome);
}

/* Peer Server Details */

function back(context) {
  return context.ui.element("p", {}, link(context, "Back to all peers"));
}

async function newPeer(context) {
  const { api, ui, message, go, may } = context;
  const { id: enterprise, node: box } = await context.enterprise();
  const send = async (values) => {
    const { id, description } = await api.post("/peers", { ...values, enterprise });
    go(["peers", id], { state: "ok", text: `${description} was added.` });
  };
  const shorter = [
    ui.paragraph("A sister appliance needs an invitation in any case, which brings its hostname and enterprise by itself."),
    ui.actions(action(context, "Invite a sister appliance", "invite"), action(context, "Accept an invitation", "accept")),
  ];
  return [
    ...ui.greeting(message),
    ui.element("h1", {}, "Add Server"),
    back(context),
    ...(may("peering:trust") ? shorter : []),
    box,
    ...(enterprise === null ? [] : [details(context, { kind: "jackfield" }, true, "Add", send)]),
  ];
}

async function onePeer(context, id) {
  const { api, ui, message, may, again, go, confirm } = context;
  const path = `/peers/${encodeURIComponent(id)}`;
  const [{ body: peer, etag }, standing] = await Promise.all([api.call("GET", path), known(api, path)]);
  const send = async (values) => {
    // A kind that is set stays; it says so itself.
    await api.call("PUT", path, { body: { ...values, enterprise: peer.enterprise }, etag });
    again({ state: "ok", text: "Saved." });
  };
  let isLeft = false;
  const remove = async () => {
    const text = "All that belongs to it goes with it: contacts, and the directory with its password. The page Audit can undo it, without the password.";
    if (!(await confirm({ title: `Delete ${peer.description}?`, text, button: "Delete" }))) return;
    try {
      isLeft = true;
      await api.remove(path, etag);
      go([], { state: "ok", text: `${peer.description} is deleted.` });
    } catch (cause) {
      again({ state: "problem", text: api.asProblem(cause).detail });
    }
  };
  const writes = may("peers:write");
  const state = ui.element("div");
  const trusts = ({ link }) => link?.trusted_at ?? null;
  const link = standing.link === null ? null : sister(context, path, standing);
  const show = (now) => {
    // With trust there is more to be done here.
    if ((now.link === null) !== (link === null) || trusts(now) !== trusts(standing)) return again();
    state.replaceChildren(standingOf(ui, now));
    link?.show(now);
  };
  show(standing);
  if (peer.kind === "jackfield") stays(context, path, id, () => isLeft, show);
  return [
    ...ui.greeting(message),
    ui.element("h1", {}, peer.description),
    back(context),
    state,
    ...(link === null ? [] : link.sections),
    ui.section("Peer Server Details", writes ? details(context, peer, false, "Save", send) : reading(ui, peer)),
    ...(peer.kind === "external" ? [await directory(context, path, may("peering:write"))] : []),
    ...(writes ? [ui.section("Deleting", ui.actions(ui.button("Delete Server", remove)))] : []),
  ];
}

/** How a peer does. One that was added just now is known a moment later. */
async function known(api, path) {
  for (let times = 0; ; times += 1) {
    const standing = await api.get(`${path}/status`);
    if (standing.link !== null || standing.kind !== "jackfield" || times === 10) return standing;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function standingOf(ui, standing) {
  const advice = standing.link?.advice ?? "";
  return ui.facts([
    ["Status", standing.status === null ? "N/A" : status(ui, standing)],
    ...(standing.reason === standing.status ? [] : [["Why", ui.sentence(standing.reason)]]),
    ...(advice === "" ? [] : [["What to do", advice]]),
    ["Since", when(standing.since)],
    ["Enterprise", standing.enterprise],
  ]);
}

/** Shows how a peer does as long as somebody looks. */
function stays({ api, on }, path, id, isLeft, show) {
  on(["peering.changed", "directory.changed"], async (event) => {
    if (isLeft() || (event !== null && event.object !== id)) return;
    try {
      show(await api.get(`${path}/status`));
    } catch (cause) {
      // What is shown stays; the next news, or loading the page, says more.
      console.debug(cause.message);
    }
  });
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
function details(context, peer, isNew, button, send) {
  const { form } = context;
  const fixed = !isNew && (peer.kind ?? null) !== null;
  const types = Object.entries(TYPES);
  const kind = form.chosen({ name: "kind", label: "Peer Type", value: peer.kind, help: fixed ? "It stays what it is; delete the peer to change it." : "", choices: fixed ? types.filter(([name]) => name === peer.kind) : [...(isNew ? [] : [["", "Not set"]]), ...types] });
  const text = (name, label, help) => form.field({ name, label, help, value: peer[name] ?? "", autocomplete: "off" });
  const common = [kind, text("description", "Description", "Up to 64 letters, digits, dashes and spaces.")];
  const there = text("peer_enterprise", "Peer enterprise ID", "Of the enterprise over there: 4 to 32 letters, digits and dashes.");
  if (!isNew && peer.kind === "jackfield") selecting(context, `/peers/${encodeURIComponent(peer.id)}`, there);
  const sister = form.group(
    "Sister appliance",
    "",
    text("hostname", "Hostname", "Fully qualified, as in the certificate of the other appliance."),
    there,
    text("dialing_prefix", "Peer Dialing Prefix", "Where PBXs do not dial each other’s extensions transparently. A leading `-` leaves out the node’s outgoing digit. The page Dialing preview shows what is dialed."),
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
  const found = sample.map((one) => [one.login_id, `${one.first_name ?? ""} ${one.last_name}`.trim(), one.email ?? "", one.extension ?? "", one.folder ?? "", one.photo ? "Yes" : "No"]);
  return [
    ui.notice(ok ? "ok" : "problem", ok ? "The directory can be read" : "The directory cannot be read"),
    ui.table("Table of steps", ["Step", "Outcome", "What was seen"], rows),
    ...shown,
    ...(found.length === 0 ? [] : [ui.table("Table of people", ["Login", "Name", "E-mail", "Extension", "Folder", "Photo"], found)]),
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
      ...caution(form, now),
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
