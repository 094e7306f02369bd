// Settings, grouped by area: what each does, its value and its default; changing one, and letting it follow its default
// again. Secrets can be set and are never shown.

import { asProblem, call, get } from "../api.js";
import { confirm } from "../confirm.js";
import { help, words } from "../describe.js";
import { area, form, password } from "../form.js";
import { fieldOf } from "../schema_form.js";
import * as session from "../session.js";
import { forgetZone, when } from "../time.js";
import { greet } from "../undo.js";
import { element, paragraph, section } from "../ui.js";

export const title = "Settings";
export const right = "settings:read";

/** The list, or one setting. */
export function draw(context) {
  const [name] = context.rest;
  return name === undefined ? list(context) : one(name, context);
}

async function list(context) {
  const { items } = await get("/settings");
  const areas = [...new Set(items.map(({ name }) => name.split(".")[0]))];
  const of = (wanted) => items.filter(({ name }) => name.split(".")[0] === wanted);
  const lead = paragraph("Everything that is not an object of its own. What nobody has set follows its default.", { class: "lead" });
  return [
    ...greet(context),
    element("h1", {}, title),
    lead,
    ...areas.map((name) => section(words(name), element("ul", { class: "settings" }, ...of(name).map(row)))),
  ];
}

function row(setting) {
  const mine = element("span", { class: "set" }, setting.is_set ? "Set here" : "Default");
  const link = element("a", { href: `#/settings/${encodeURIComponent(setting.name)}` }, element("code", {}, setting.name));
  return element("li", {}, element("div", { class: "head" }, element("h3", {}, link), valued(setting), mine), paragraph(help({ description: setting.help }), { class: "help" }));
}

function valued({ value, is_secret: isSecret, is_set: isSet }) {
  if (isSecret) return element("span", {}, isSet ? "A secret is kept" : "No secret is kept");
  return element("span", { class: "value" }, said(value));
}

function said(value) {
  if (value === "" || value === null) return "empty";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value)) return value.length === 0 ? "empty" : value.join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

async function one(name, context) {
  const { body: setting, etag } = await call("GET", `/settings/${encodeURIComponent(name)}`);
  const rows = [
    ["Now", valued(setting)],
    ["Default", setting.is_secret ? "none" : said(setting.default)],
    ["Last changed", when(setting.changed_at)],
  ];
  const cell = ([what, value]) => element("div", {}, element("dt", {}, what), element("dd", {}, value));
  const history = element("a", { href: `#/audit?kind=settings&object=${encodeURIComponent(name)}` }, "History");
  const writes = session.may("settings:write");
  return [
    ...greet(context),
    element("h1", {}, name),
    element("p", {}, element("a", { href: "#/settings" }, "All settings")),
    paragraph(help({ description: setting.help })),
    element("dl", { class: "facts even" }, ...rows.map(cell)),
    ...(writes ? [element("section", { class: "panel", "aria-label": "Change" }, editing(setting, etag, context))] : []),
    ...(session.may("revisions:read") ? [element("p", {}, history)] : []),
  ];
}

function editing(setting, etag, context) {
  const input = editor(setting);
  const path = `/settings/${encodeURIComponent(setting.name)}`;
  const here = `#/settings/${encodeURIComponent(setting.name)}`;
  const done = (saved, text) => {
    if (setting.name === "site.time_zone") forgetZone();
    context.go(here, { state: "ok", text, undo: setting.is_secret ? null : saved.revision || null });
  };
  const send = async () => done((await call("PUT", path, { body: { value: input.said() }, etag })).body, `${setting.name} is saved.`);
  const reset = async () => {
    const text = setting.is_secret ? "The secret that is kept is forgotten." : `It is ${said(setting.default)} again.`;
    if (!(await confirm({ title: `Let ${setting.name} follow its default?`, text, button: "Reset" }))) return;
    try {
      done((await call("DELETE", path, { etag })).body, `${setting.name} follows its default.`);
    } catch (cause) {
      const { title: what, detail } = asProblem(cause);
      context.go(here, { state: "problem", text: `${what}. ${detail}` });
    }
  };
  const back = element("button", { type: "button", "data-does": "reset", on: { click: reset } }, "Reset to the default");
  const others = setting.is_set ? [back] : [];
  return form({ fields: [input], button: "Save", send, advise: (problem) => stale(problem, here, context), others });
}

function stale(problem, here, context) {
  if (problem.status !== 412) return [];
  const click = () => context.go(here, { state: "note", text: "This is what is stored now." });
  return [element("button", { type: "button", on: { click } }, "Show what is stored now (drops what I typed)")];
}

/** The control that the API's description of the value asks for; its lists may have commas in their entries. */
function editor({ value, schema, is_secret: isSecret }) {
  const parts = { name: "value", label: "Value" };
  if (isSecret) {
    const made = password({ ...parts, help: "It is kept sealed and never shown again.", autocomplete: "off" });
    return { ...made, said: made.value };
  }
  if (schema.type === "array") return lines(parts, value);
  return fieldOf("value", schema, { value, label: schema.type === "boolean" ? "Yes" : "Value" });
}

function lines(parts, value) {
  const made = area({ ...parts, help: "One on each line.", value: value.join("\n"), rows: "6" });
  const split = () => made.value().split("\n").map((line) => line.trim());
  return { ...made, said: () => split().filter((line) => line !== "") };
}
