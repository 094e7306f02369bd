// The page of one kind of object, made from the API's description: list, form, deletion, and the way back. Pages
// declare what differs, in pages/. Everything that one may not do is not offered.

import { asProblem, call, get, post } from "./api.js";
import { confirm } from "./confirm.js";
import { help, named, schema, shown, words } from "./describe.js";
import { all, listBox } from "./enterprises.js";
import { form } from "./form.js";
import { paged } from "./paged.js";
import { fieldOf } from "./schema_form.js";
import * as session from "./session.js";
import { when } from "./time.js";
import { greet, newest } from "./undo.js";
import { element, notice, paragraph, section } from "./ui.js";

/** Fields that say how an object came about; shown apart. */
const RECORD = ["revision", "created_at", "changed_at"];

/**
 * The page of a resource:
 *
 * name         as in the API's paths; rights are `NAME:read` and `NAME:write`
 * shape        name of its schema
 * one, title   what one and all are called
 * lead         a sentence about them
 * columns      fields of the list; the first leads to the object
 * perEnterprise whether the enterprise list box drives it
 * searchable   whether its list takes `q`
 * typed        whether deleting one asks for its id
 * warning      what deleting one means
 * changeable   whether one can be changed once it is made
 * undoable     whether what is done to one can be put back
 * made(object) what is done after one was made
 * actions(context, enterprise), sections(context, object), more(context) nodes of the page's own
 * routes       addresses below the page's own, by name, that something else draws
 */
export function resource(declared) {
  const kind = { actions: () => [], sections: () => [], routes: {}, made: () => {}, changeable: true, undoable: true, ...declared };
  // Survives going to an object and back.
  const view = { words: "", cursors: [""], enterprise: null };
  return {
    title: kind.title,
    right: `${kind.name}:read`,
    draw: (context) => draw(kind, view, context),
  };
}

function draw(kind, view, context) {
  const [first] = context.rest;
  if (first === undefined) return listPage(kind, view, context);
  if (kind.routes[first] !== undefined) return kind.routes[first](context);
  return first === "new" ? newPage(kind, context) : objectPage(kind, first, context);
}

function mayWrite(kind) {
  return session.may(`${kind.name}:write`);
}

function link(kind, id) {
  return `#/${kind.name}/${encodeURIComponent(id)}`;
}

/* List */

async function listPage(kind, view, context) {
  const box = kind.perEnterprise ? await listBox(context) : { id: null, node: null };
  const head = [...greet(context), element("h1", {}, kind.title), paragraph(kind.lead, { class: "lead" })];
  if (box.node !== null) head.push(box.node);
  if (kind.perEnterprise && box.id === null) return head;
  if (view.enterprise !== box.id) Object.assign(view, { cursors: [""], enterprise: box.id });
  const properties = (await schema(kind.shape)).properties;
  const names = await referenced(kind.columns, properties, box.id);
  const buttons = mayWrite(kind)
    ? [element("a", { class: "button primary", href: `#/${kind.name}/new`, "data-does": "new" }, `New ${kind.one}`)]
    : [];
  const address = (cursor) => {
    const query = new URLSearchParams({ limit: "50", cursor });
    if (box.id !== null) query.set("enterprise", box.id);
    if (view.words !== "") query.set("q", view.words);
    return `/${kind.name}?${query}`;
  };
  const row = (object) => kind.columns.map((column, at) => cell(kind, properties, column, object, names, at === 0));
  const headings = kind.columns.map((column) => kind.headings?.[column] ?? words(column));
  const list = await paged({ title: kind.title, headings, address, row, view, searchable: kind.searchable });
  const actions = [...buttons, ...kind.actions(context, box.id)];
  return [...head, ...(actions.length > 0 ? [element("div", { class: "actions" }, ...actions)] : []), ...list];
}

function cell(kind, properties, column, object, names, leads) {
  const value = shown(properties[column], object[column], names);
  if (!leads) return value;
  return element("a", { href: link(kind, object.id) }, value === "–" ? object.id : value);
}

/** What the references of these columns mean, by id. */
async function referenced(columns, properties, enterprise) {
  const targets = new Set(columns.map((column) => target(properties[column])).filter((name) => name !== null));
  const found = await Promise.all([...targets].map((name) => objects(name, enterprise)));
  return new Map(found.flat().map((object) => [object.id, named(object)]));
}

function target(property) {
  return (property.anyOf ?? [property]).map((one) => one["x-reference"]).find((name) => name !== undefined) ?? null;
}

/** Objects that a reference may name; none where one may not see them. */
async function objects(name, enterprise) {
  if (!session.may(`${name}:read`)) return [];
  const own = ["pbx-nodes", "peers", "trusted-servers"].includes(name) && enterprise !== null;
  return all(own ? `/${name}?enterprise=${encodeURIComponent(enterprise)}` : `/${name}`);
}

/* Form */

async function newPage(kind, context) {
  const box = kind.perEnterprise ? await listBox(context) : { id: null, node: null };
  const heading = element("h1", {}, `New ${kind.one}`);
  const back = backLink(kind);
  if (kind.perEnterprise && box.id === null) return [heading, back, box.node];
  if (!mayWrite(kind)) return [heading, back, paragraph(`Making a ${kind.one} takes the right \`${kind.name}:write\`.`)];
  const fields = await fieldsOf(kind, undefined, box.id);
  const send = async () => {
    const body = Object.fromEntries(fields.map((one) => [one.property, one.said()]));
    if (box.id !== null) body.enterprise = box.id;
    const made = await post(`/${kind.name}`, body);
    kind.made(made);
    const text = `${sentence(kind.one)} ${named(made)} is made.`;
    context.go(link(kind, made.id), { state: "ok", text, undo: wayBack(kind, made), then: `#/${kind.name}` });
  };
  const drawn = form({ fields, button: `Make the ${kind.one}`, send, others: [cancel(kind)] });
  return [heading, back, ...(box.node === null ? [] : [box.node]), panel(`New ${kind.one}`, drawn)];
}

async function fieldsOf(kind, object, enterprise) {
  const { properties, required = [] } = await schema(`${kind.shape}Input`);
  const isOpen = ([name, property]) => !(kind.perEnterprise && name === "enterprise") && !isSettled(property, object?.[name]);
  const drawn = Object.entries(properties).filter(isOpen);
  const choices = await Promise.all(drawn.map(([, property]) => choicesFor(property, enterprise)));
  return drawn.map(([name, property], at) => {
    const label = kind.headings?.[name];
    const given = { value: object?.[name], required: required.includes(name), choices: choices[at] };
    return fieldOf(name, property, label === undefined ? given : { ...given, label });
  });
}

/** Whether a field stays what it is now. */
function isSettled(property, value) {
  return property["x-fixed"] === true && value !== undefined && value !== null;
}

async function choicesFor(property, enterprise) {
  const name = target(property);
  return name === null ? [] : objects(name, enterprise);
}

async function objectPage(kind, id, context) {
  const { body: object, etag } = await call("GET", `/${kind.name}/${encodeURIComponent(id)}`);
  const { properties } = await schema(kind.shape);
  const heading = element("h1", {}, `${sentence(kind.one)} ${named(object)}`);
  const writes = mayWrite(kind) && !kind.fixed?.(object);
  const changes = writes && kind.changeable;
  const parts = changes
    ? [panel(`Fields of ${named(object)}`, await editing(kind, object, etag, context))]
    : [await reading(kind, properties, object)];
  return [
    ...greet(context),
    heading,
    backLink(kind),
    ...parts,
    ...(await kind.sections(context, object)),
    await about(kind, properties, object, changes),
    ...(writes ? [deletion(kind, object, context)] : []),
  ];
}

async function editing(kind, object, etag, context) {
  const fields = await fieldsOf(kind, object, object.enterprise ?? null);
  const before = new Map(fields.map((one) => [one.property, JSON.stringify(one.said())]));
  const changed = () => fields.filter((one) => JSON.stringify(one.said()) !== before.get(one.property));
  const save = async (tag) => {
    const body = Object.fromEntries(changed().map((one) => [one.property, one.said() ?? null]));
    const path = `/${kind.name}/${encodeURIComponent(object.id)}`;
    const saved = (await call("PATCH", path, { body, etag: tag })).body;
    // What changes nothing makes no revision, so there is nothing to undo.
    const isSame = saved.revision === object.revision;
    const text = isSame ? "Nothing was changed." : `${sentence(kind.one)} ${named(saved)} is saved.`;
    context.go(link(kind, saved.id), { state: isSame ? "note" : "ok", text, undo: isSame ? null : wayBack(kind, saved) });
  };
  const drawn = form({
    fields,
    button: "Save",
    send: () => save(etag),
    advise: (problem) => (problem.status === 412 ? stale(kind, object, save, context) : []),
    others: [cancel(kind)],
  });
  return drawn;
}

/** Somebody else was faster: what they did, and both ways on. What was typed stays in the form meanwhile. */
function stale(kind, object, save, context) {
  const told = element("p", {}, "What you typed is still in the form; nothing of it is saved.");
  whoWasFaster(kind, object).then((text) => told.prepend(`${text} `));
  const load = () => context.go(link(kind, object.id), { state: "note", text: "This is what is stored now." });
  const over = async () => {
    try {
      const path = `/${kind.name}/${encodeURIComponent(object.id)}`;
      await save((await call("GET", path)).etag);
    } catch (cause) {
      told.replaceChildren(asProblem(cause).detail);
    }
  };
  return [
    told,
    element(
      "div",
      { class: "actions" },
      button("save-over", "Save my changes over it", over),
      button("load", "Show what is stored now (drops what I typed)", load),
    ),
  ];
}

async function whoWasFaster(kind, object) {
  if (!session.may("revisions:read")) return "Somebody else changed it.";
  const { items } = await get(`/revisions?kind=${kind.name}&object=${encodeURIComponent(object.id)}&limit=1`);
  const [last] = items;
  if (last === undefined) return "Somebody else changed it.";
  const fields = last.changes.map(({ field }) => words(field)).filter((name) => name !== "Changed at");
  return `${sentence(last.who)} changed it at ${new Date(last.at).toLocaleTimeString()}: ${fields.join(", ")}.`;
}

async function reading(kind, properties, object) {
  const own = Object.keys(properties).filter((name) => !RECORD.includes(name) && object[name] !== undefined);
  const names = await referenced(own, properties, object.enterprise ?? null);
  return facts(own.map((name) => [kind.headings?.[name] ?? words(name), shown(properties[name], object[name], names)]));
}

/** How it came about, and the fields that nobody can change. */
async function about(kind, properties, object, changes) {
  const { properties: input } = await schema(`${kind.shape}Input`);
  const isOther = (name) => input[name] === undefined || isSettled(input[name], object[name]);
  const others = Object.keys(properties).filter((name) => isOther(name) && !RECORD.includes(name));
  const names = await referenced(others, properties, object.enterprise ?? null);
  const fixed = changes ? others : [];
  const value = (name) => shown(properties[name], object[name], names);
  const rows = fixed.map((name) => [kind.headings?.[name] ?? words(name), value(name), help(properties[name])]);
  const history = element("a", { href: `#/audit?kind=${kind.name}&object=${encodeURIComponent(object.id)}` }, "History");
  const record = [
    ["Made", when(object.created_at)],
    ["Last changed", when(object.changed_at)],
  ];
  const parts = [facts([...rows, ...record])];
  if (session.may("revisions:read")) parts.push(element("p", {}, history));
  return section("Record", ...parts);
}

function facts(rows) {
  const cell = ([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value));
  return element("dl", { class: "facts even" }, ...rows.map(cell));
}

/* Deletion */

function deletion(kind, object, context) {
  const outcome = element("div", { class: "outcome" });
  const act = async () => {
    const question = {
      title: `Delete the ${kind.one} ${named(object)}?`,
      text: kind.warning ?? "It is gone at once. The page Audit can put it back.",
      button: "Delete",
      typed: kind.typed ? object.id : null,
    };
    if (!(await confirm(question))) return;
    try {
      const etag = `"${object.revision}"`;
      await call("DELETE", `/${kind.name}/${encodeURIComponent(object.id)}`, { etag });
    } catch (cause) {
      const { title, detail } = asProblem(cause);
      const box = notice("problem", title, paragraph(detail));
      outcome.replaceChildren(box);
      return box.focus();
    }
    const undo = kind.undoable ? await newest(kind.name, object.id) : null;
    const text = `${sentence(kind.one)} ${named(object)} is deleted.`;
    context.go(`#/${kind.name}`, { state: "ok", text, undo, then: link(kind, object.id) });
  };
  const press = element("button", { type: "button", class: "danger", "data-does": "delete", on: { click: act } }, `Delete the ${kind.one}`);
  return section("Delete", ...(kind.warning ? [paragraph(kind.warning)] : []), outcome, press);
}

/* Small parts */

/** The revision to undo, where there is a way back. */
function wayBack(kind, { revision }) {
  return kind.undoable ? revision : null;
}

function backLink(kind) {
  return element("p", {}, element("a", { href: `#/${kind.name}` }, `All ${kind.title.toLowerCase().replace(/^(api|pbx)/, (word) => word.toUpperCase())}`));
}

function cancel(kind) {
  return element("a", { class: "button", href: `#/${kind.name}` }, "Cancel");
}

function panel(label, content) {
  return element("section", { class: "panel", "aria-label": label }, content);
}

function button(does, label, click) {
  return element("button", { type: "button", "data-does": does, on: { click } }, label);
}

function sentence(text) {
  return `${text[0].toUpperCase()}${text.slice(1)}`;
}

