// One script of the site: how it does, its source, its versions; keeping a new version, publishing and rolling back,
// and a trial of what would be dialed. Nothing serves before it is published.

import { asProblem, call, get } from "./api.js";
import { confirm } from "./confirm.js";
import { all } from "./enterprises.js";
import { choice, field, form } from "./form.js";
import { difference, sourceEditor } from "./source_editor.js";
import * as session from "./session.js";
import { when } from "./time.js";
import { greet } from "./undo.js";
import { element, notice, paragraph, section, state, table } from "./ui.js";
import { answer } from "./pages/dialing.js";

const BEGINNING = 'hook("dial.rewrite", function(call)\n  return { number = call.number }\nend)\n';

/** The page of one script; `new`: of one that is not there yet. */
export async function one(name, context, states) {
  const back = element("p", {}, element("a", { href: "#/hooks" }, "All scripts"));
  if (name === "new") return [element("h1", {}, "New script"), back, ...(await source(null, null, context))];
  const path = `/hooks/${encodeURIComponent(name)}`;
  const [{ body: hook, etag }, { items: versions }] = await Promise.all([call("GET", path), get(`${path}/versions`)]);
  return [
    ...greet(context),
    element("h1", {}, name),
    back,
    facts(hook, states),
    ...trouble(hook),
    section("What it registers", registered(hook.registers)),
    ...(await source(hook, etag, context)),
    section("Versions", history(hook, etag, versions, context)),
    ...(session.may("hooks:write") ? [deletion(hook, etag, context)] : []),
  ];
}

function facts(hook, states) {
  const rows = [
    ["State", state(...(states[hook.state] ?? ["unknown", hook.state]))],
    ["Serving", hook.serving === null ? "none" : `version ${hook.serving}`],
    ["Newest", `version ${hook.latest}`],
    ["Asked", `${hook.calls} times, failed ${hook.failures}`],
    ["Published", when(hook.published_at)],
    ["By", hook.published_by ?? "–"],
  ];
  const cell = ([what, value]) => element("div", {}, element("dt", {}, what), element("dd", {}, value));
  return element("dl", { class: "facts even" }, ...rows.map(cell));
}

function trouble(hook) {
  const told = [];
  if (hook.reason !== "") told.push(notice("problem", "It failed", paragraph(hook.reason)));
  if (hook.breaker?.open)
    told.push(notice("warning", "It is skipped for now", paragraph(`It failed again and again; it is asked again in ${hook.breaker.seconds_left} seconds.`)));
  if (hook.last_error !== null)
    told.push(notice("warning", `Its last error, at ${hook.last_error.hook}`, element("p", {}, element("code", {}, hook.last_error.text)), element("p", {}, when(hook.last_error.at), `, ${hook.last_error.count} in a row`)));
  return told;
}

function registered(all_) {
  if (all_.length === 0) return paragraph("Nothing.");
  const more = ({ priority, every_s: every }) => (every !== null ? `every ${every} s` : priority !== null ? `priority ${priority}` : "–");
  const row = (what) => [what.kind, element("code", {}, what.name), String(what.line), more(what)];
  return table("Registrations", ["Kind", "Name", "Line", "How"], all_.map(row));
}

/* Source */

async function source(hook, etag, context) {
  const text = hook === null ? BEGINNING : (await get(`/hooks/${encodeURIComponent(hook.name)}/versions/${hook.latest}`)).source;
  if (!session.may("hooks:write"))
    return [section("Source", element("pre", { tabindex: "0", role: "region", "aria-label": "Source" }, text))];
  const editor = sourceEditor(text);
  const name = field({ name: "name", label: "Name", help: "1 to 32 small letters, digits, dashes and underscores. In messages it is site/NAME.lua.", autocomplete: "off" });
  const note = field({ name: "note", label: "What this version is for (optional)", autocomplete: "off" });
  const fields = hook === null ? [name, editor, note] : [editor, note];
  const called = () => hook?.name ?? name.value().trim();
  const send = async () => {
    if (called() === "") return void (name.fail("Name must be given."), name.focus());
    const body = { source: editor.value(), note: note.value() };
    const kept = (await call("PUT", `/hooks/${encodeURIComponent(called())}`, { body, etag: etag ?? undefined })).body;
    const words = `Version ${kept.latest} is kept. It does not serve before it is published.`;
    context.go(`#/hooks/${encodeURIComponent(kept.name)}`, { state: "ok", text: words });
  };
  const advise = (problem) => (problem.status === 412 ? [stale(hook, context)] : []);
  const made = form({ fields, button: "Keep as a new version", send, advise, others: [element("a", { class: "button", href: "#/hooks" }, "Cancel")] });
  return [
    section("Source", element("div", { class: "panel" }, made)),
    section("Trial", ...(await trial(called, editor))),
  ];
}

function stale(hook, context) {
  const click = () => context.go(`#/hooks/${encodeURIComponent(hook.name)}`, { state: "note", text: "This is what is kept now." });
  return element("button", { type: "button", on: { click } }, "Show what is kept now (drops what I typed)");
}

/* Trial */

async function trial(called, editor) {
  const [nodes, peers] = await Promise.all([all("/pbx-nodes"), session.may("peers:read") ? all("/peers") : []]);
  if (nodes.length === 0) return [paragraph("A trial needs a PBX node to call from; there is none yet.")];
  const result = element("div", { class: "result", role: "status" });
  const fields = [
    choice({ name: "node", label: "Call from", choices: nodes.map((node) => [node.id, `${node.name} (${node.enterprise})`]) }),
    choice({ name: "peer", label: "Whose number it is", choices: [["", "Nobody’s in particular"], ...peers.map((peer) => [peer.id, `${peer.description} (${peer.enterprise})`])] }),
    field({ name: "to", label: "Number", autocomplete: "off", inputmode: "tel" }),
  ];
  const send = async ({ node, peer, to = "" }) => {
    result.replaceChildren();
    editor.clear();
    const wish = peer === undefined ? to : { number: to, peer };
    const body = { source: editor.value(), node, to: wish };
    try {
      const path = `/hooks/${encodeURIComponent(called() || "candidate")}:dry-run`;
      result.replaceChildren(...answer((await call("POST", path, { body })).body));
    } catch (cause) {
      const problem = asProblem(cause);
      const wrong = problem.errors.find(({ pointer }) => pointer === "/source");
      if (wrong === undefined) throw problem;
      editor.fail(`Source ${wrong.detail}`);
      editor.focus();
    }
  };
  const asked = form({ fields, button: "Show what would be dialed", send });
  const lead = paragraph("What would be dialed if the source above served, as it stands there now. Nothing is kept and nobody is called.");
  return [lead, element("div", { class: "pair" }, element("div", { class: "panel" }, asked), result)];
}

/* Versions */

function history(hook, etag, versions, context) {
  const place = element("div", { class: "result", tabindex: "-1" });
  const row = (version) => [
    String(version.version),
    when(version.at),
    version.author,
    version.note || "–",
    version.version === hook.serving ? state("ok", "Serves") : version.published_at === null ? "Never published" : element("span", {}, "Served from ", when(version.published_at)),
    commands(hook, etag, version, place, context),
  ];
  const headings = ["Version", "Kept", "By", "What for", "Served", "What can be done"];
  return element("div", {}, table("All versions", headings, versions.map(row)), place);
}

function commands(hook, etag, version, place, context) {
  const n = version.version;
  const button = (does, label, click) =>
    element("button", { type: "button", class: "quiet", "data-does": does, on: { click } }, label, element("span", { class: "unseen" }, ` version ${n}`));
  const all_ = [button("look", "Compare", () => compare(hook, n, place))];
  if (!session.may("hooks:write") || n === hook.serving) return element("div", { class: "actions" }, ...all_);
  const isBack = version.published_at !== null && hook.serving !== null && n < hook.serving;
  const verb = isBack ? "rollback" : "publish";
  all_.push(button(verb, isBack ? "Roll back" : "Publish", () => swap(verb, hook, etag, n, place, context)));
  return element("div", { class: "actions" }, ...all_);
}

async function compare(hook, n, place) {
  const path = `/hooks/${encodeURIComponent(hook.name)}/versions`;
  const other = n === hook.serving || hook.serving === null ? n - 1 : hook.serving;
  try {
    const text = (await get(`${path}/${n}`)).source;
    const before = other < 1 ? "" : (await get(`${path}/${other}`)).source;
    const heading = other < 1 ? `Version ${n}` : `From version ${other} to version ${n}`;
    place.replaceChildren(element("h3", {}, heading), ...difference(before, text));
    place.focus();
  } catch (cause) {
    refused(place, cause);
  }
}

async function swap(verb, hook, etag, n, place, context) {
  const isBack = verb === "rollback";
  const question = {
    title: isBack ? `Roll ${hook.name} back to version ${n}?` : `Publish version ${n} of ${hook.name}?`,
    text: "It is tried first. From then on it decides with every call; if it does not load, what serves now goes on.",
    button: isBack ? "Roll back" : "Publish",
  };
  if (!(await confirm(question))) return;
  try {
    const saved = (await call("POST", `/hooks/${encodeURIComponent(hook.name)}:${verb}`, { body: { version: n }, etag })).body;
    const text = isBack ? `Rolled back: version ${n} serves again.` : `Published: version ${n} serves.`;
    context.go(`#/hooks/${encodeURIComponent(hook.name)}`, { state: "ok", text, undo: saved.revision });
  } catch (cause) {
    refused(place, cause);
  }
}

function refused(place, cause) {
  const { title, detail } = asProblem(cause);
  const box = notice("problem", title, paragraph(detail));
  place.replaceChildren(box);
  box.focus();
}

function deletion(hook, etag, context) {
  const outcome = element("div", { class: "outcome" });
  const act = async () => {
    const text = "What it decided, nobody decides any more. Its versions go with it.";
    if (!(await confirm({ title: `Delete the script ${hook.name}?`, text, button: "Delete", typed: hook.name }))) return;
    try {
      await call("DELETE", `/hooks/${encodeURIComponent(hook.name)}`, { etag });
      context.go("#/hooks", { state: "ok", text: `The script ${hook.name} is deleted.` });
    } catch (cause) {
      refused(outcome, cause);
    }
  };
  const press = element("button", { type: "button", class: "danger", "data-does": "delete", on: { click: act } }, "Delete the script");
  return section("Delete", outcome, press);
}
