// Pages that plugins bring. What a plugin's page may rely on is here and in plugins/README.md, and only grows.
//
// Such a page is one ES module that exports `draw(context)`, which returns the page's nodes or a promise of them; the
// first is its h1. It imports nothing: everything it needs is in the context, and it loads nothing from elsewhere.
//
// context.plugin     {id, title, version, state, reason}: how the plugin is, at the time of drawing
// context.who        who is signed in
// context.may(right) whether they hold a right such as "echo:write", so that no button leads to a refusal
// context.message    {state, text} that greets after context.again(message), or null; for ui.greeting
// context.again(m)   draws the page anew, greeting with a message or with nothing
// context.api        get(path), post(path, body), remove(path, etag), call(method, path, {body, etag}) to
//                    {status, etag, body}; all below /api/v1; refusals are thrown as Problem (title, detail, status,
//                    errors [{pointer, detail}], is(code)); asProblem(cause) makes one of anything that was thrown
// context.at         the steps of the address below the page's own, such as ["peers", "peer_1"]; none on its first view
// context.link(...)  the address of a view of this page, by such steps, for links
// context.go(steps, m) shows a view of this page, greeting with a message or with nothing
// context.attempt(act, text) does something and draws the page anew with that text, or with what went wrong
// context.follow(job, tell) nodes of a job, by its id, that are drawn anew while it works; `tell(job)` gives what came of it
// context.enterprise() the list box of enterprises that all pages share, {id, node}: which one is chosen (null: there is
//                    none yet), and the nodes to choose another; the page is drawn anew then
// context.on(names, act) while the page is shown, act(event) for each event of these names, {event, object}; null when
//                    some were missed
// context.ui         element, prose, paragraph, state, icon, notice, greeting, explain, section, table, button, actions,
//                    facts, sentence, listing, paged
// context.form       form and its fields: field, choice, password; and with a value that is there already: chosen,
//                    date, flag, group, lines, number, secret, words
// context.confirm    asks before something that people notice: {title, text, button} to whether it shall be done

import * as api from "./api.js";
import { confirm } from "./confirm.js";
import { listBox } from "./enterprises.js";
import * as fields from "./fields.js";
import * as form from "./form.js";
import { follow } from "./job_view.js";
import { listing } from "./listing.js";
import * as live from "./live.js";
import { paged } from "./paged.js";
import * as session from "./session.js";
import * as ui from "./ui.js";

const API = kept(api, ["Problem", "asProblem", "call", "get", "post", "remove"]);
const FORM = kept({ ...form, ...fields }, [
  "choice",
  "chosen",
  "date",
  "field",
  "flag",
  "form",
  "group",
  "lines",
  "number",
  "password",
  "secret",
  "words",
]);
const UI = kept({ ...ui, listing, paged }, [
  "actions",
  "button",
  "element",
  "explain",
  "facts",
  "greeting",
  "icon",
  "listing",
  "notice",
  "paged",
  "paragraph",
  "prose",
  "section",
  "sentence",
  "state",
  "table",
]);

/** States in which a plugin answers. */
const SERVES = ["up", "degraded"];

function kept(module, names) {
  return Object.freeze(Object.fromEntries(names.map((name) => [name, module[name]])));
}

/** The pages of plugins, by address, in the order of their titles. */
export async function pages() {
  const { items } = await api.get("/plugins");
  const bringing = items.filter((plugin) => plugin.page !== null);
  bringing.sort((one, other) => one.title.localeCompare(other.title));
  return new Map(bringing.map((plugin) => [address(plugin), page(plugin)]));
}

function address(plugin) {
  return `#/plugin/${plugin.id}`;
}

function below(plugin, steps) {
  return [address(plugin), ...steps.map(encodeURIComponent)].join("/");
}

/** Does something, and shows the page anew with how it went. */
async function attempted(act, text, again) {
  try {
    await act();
    again({ state: "ok", text });
  } catch (cause) {
    const { title, detail } = api.asProblem(cause);
    again({ state: "problem", text: `${title}. ${detail}` });
  }
}

function page(plugin) {
  return { title: plugin.title, draw: (context) => drawn(plugin, context) };
}

async function drawn(plugin, context) {
  if (!SERVES.includes(plugin.state)) return away(plugin, context);
  const module = await import(plugin.page);
  return module.draw(given(plugin, context));
}

function given(plugin, context) {
  const { id, title, version, state, reason } = plugin;
  const { who, rights } = session.current();
  const again = (message = null) => context.go(location.hash, message);
  return Object.freeze({
    plugin: Object.freeze({ id, title, version, state, reason }),
    who,
    may: (right) => rights.includes(right),
    message: context.message,
    at: location.hash.slice(address(plugin).length).split("/").filter((step) => step !== "").map(decodeURIComponent),
    link: (...steps) => below(plugin, steps),
    go: (steps, message = null) => context.go(below(plugin, steps), message),
    again,
    attempt: (act, text) => attempted(act, text, again),
    follow: (job, tell) => follow(job, context, () => [], tell),
    enterprise: () => listBox(context),
    on: (names, act) => context.onLeave(live.follow(names, act)),
    api: API,
    ui: UI,
    form: FORM,
    confirm,
  });
}

/** A plugin that does not serve: why, since when, and where it can be helped. */
function away(plugin, context) {
  const since = new Date(plugin.since).toLocaleString();
  const reason = ui.sentence(plugin.reason === "" ? "it is being started or stopped" : plugin.reason);
  const again = () => context.go(address(plugin));
  return [
    ui.element("h1", {}, plugin.title),
    ui.notice(
      "warning",
      `The plugin ${plugin.id} does not serve now`,
      ui.paragraph(`${reason} It is so since ${since}.`),
      ui.element("p", {}, ui.element("a", { href: "#/plugins" }, "Look after it on the page Plugins")),
      ui.element("button", { type: "button", on: { click: again } }, "Try again"),
    ),
  ];
}
