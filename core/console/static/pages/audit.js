// The audit: who changed what, field by field, and undoing one change.

import { get } from "../api.js";
import { confirm } from "../confirm.js";
import { words } from "../describe.js";
import { paged } from "../paged.js";
import * as session from "../session.js";
import { when } from "../time.js";
import { greet, undo } from "../undo.js";
import { element, paragraph, section, table } from "../ui.js";

export const title = "Audit";
export const right = "revisions:read";

const KINDS = ["accounts", "accounts/password", "enterprises", "hooks", "pbx-nodes", "peers", "profiles", "schedules", "settings", "trusted-servers", "admins", "tokens", "federation"];
const DONE = { create: "Made", change: "Changed", delete: "Deleted" };

/** The list with its filters, or one revision. */
export function draw(context) {
  const [n] = context.rest;
  return n === undefined ? list(context) : one(n, context);
}

async function list(context) {
  const asked = filters(context.query);
  const view = { words: "", cursors: [""] };
  const address = (cursor) => `/revisions?${new URLSearchParams({ limit: "50", cursor, ...asked })}`;
  const row = (revision) => [
    element("a", { href: `#/audit/${revision.n}` }, String(revision.n)),
    when(revision.at),
    revision.who,
    DONE[revision.action],
    words(revision.kind),
    element("code", {}, revision.object),
    fate(revision),
  ];
  const headings = ["Change", "When", "Who", "What", "Kind", "Object", "Undone"];
  const nodes = await paged({ title, headings, address, row, view, empty: "No change fits." });
  const lead = paragraph("Every change: who made it, from where, what was before and what is now.", { class: "lead" });
  return [...greet(context), element("h1", {}, title), lead, search(asked, context), ...nodes];
}

function fate({ undoes, undone_by: by }) {
  if (by !== null) return `by ${by}`;
  return undoes === null ? "–" : `undoes ${undoes}`;
}

/** What the API is asked; days are meant as the browser's. */
function filters(query) {
  const given = {};
  for (const name of ["kind", "object", "who", "since", "until"]) {
    const value = query.get(name) ?? "";
    if (value !== "") given[name] = value;
  }
  return given;
}

function search(asked, context) {
  const kinds = KINDS.includes(asked.kind) || asked.kind === undefined ? KINDS : [asked.kind, ...KINDS];
  const option = (value, text) => element("option", { value, selected: value === (asked.kind ?? "") }, text);
  const inputs = {
    kind: element("select", { id: "kind" }, option("", "All"), ...kinds.map((kind) => option(kind, words(kind)))),
    object: element("input", { id: "object", type: "text", value: asked.object ?? "", autocomplete: "off" }),
    who: element("input", { id: "who", type: "text", value: asked.who ?? "", autocomplete: "off", placeholder: "admin alice" }),
    since: element("input", { id: "since", type: "datetime-local", value: local(asked.since) }),
    until: element("input", { id: "until", type: "datetime-local", value: local(asked.until) }),
  };
  const labels = { kind: "Kind", object: "Object", who: "Who", since: "From", until: "Until" };
  const send = (event) => {
    event.preventDefault();
    const query = new URLSearchParams();
    for (const [name, input] of Object.entries(inputs)) {
      const isTime = input.type === "datetime-local" && input.value !== "";
      const value = isTime ? new Date(input.value).toISOString() : input.value.trim();
      if (value !== "") query.set(name, value);
    }
    context.go(`#/audit${query.size > 0 ? `?${query}` : ""}`);
  };
  const part = ([name, input]) => element("div", { class: "field" }, element("label", { for: name }, labels[name]), input);
  return element(
    "form",
    { class: "filters", role: "search", on: { submit: send } },
    ...Object.entries(inputs).map(part),
    element("button", { type: "submit" }, "Show"),
  );
}

/** An instant as `datetime-local` takes it. */
function local(instant) {
  if (instant === undefined) return "";
  const date = new Date(instant);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

async function one(n, context) {
  const revision = await get(`/revisions/${encodeURIComponent(n)}`);
  const rows = [
    ["When", when(revision.at)],
    ["Who", revision.who],
    ["From", `${revision.from} (${revision.via})`],
    ["What", `${DONE[revision.action]}: ${words(revision.kind)}`],
    ["Object", element("code", {}, revision.object)],
    ["Undone", fate(revision)],
  ];
  const cell = ([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value));
  return [
    ...greet(context),
    element("h1", {}, `Change ${revision.n}`),
    element("p", {}, element("a", { href: "#/audit" }, "All changes")),
    element("dl", { class: "facts even" }, ...rows.map(cell)),
    section("Fields", difference(revision.changes)),
    ...(revision.parts > 0 ? [section("Its parts", ...(await parts(revision)))] : []),
    ...undoing(revision, context),
  ];
}

function difference(changes) {
  if (changes.length === 0) return paragraph("No field of its own; see its parts.");
  const row = ({ field, before, after }) => [words(field), value(before), value(after)];
  return table("Fields that differ", ["Field", "Before", "After"], changes.map(row));
}

function value(given) {
  if (given === null || given === "") return "–";
  return element("code", { class: "value" }, typeof given === "string" ? given : JSON.stringify(given));
}

async function parts(revision) {
  const row = (part) => [
    DONE[part.action],
    words(part.kind),
    element("code", {}, part.object),
    part.changes.map(({ field }) => words(field)).join(", ") || "–",
  ];
  const address = (cursor) => `/revisions/${revision.n}/parts?limit=50&cursor=${cursor}`;
  const view = { words: "", cursors: [""] };
  return paged({ title: "Its parts", headings: ["What", "Kind", "Object", "Fields"], address, row, view });
}

function undoing(revision, context) {
  if (revision.undone_by !== null || !session.may("revisions:undo")) return [];
  const act = async () => {
    const text = "What it changed is put back as it was before; that is a change of its own and can be undone too.";
    const question = { title: `Undo change ${revision.n}?`, text, button: "Undo" };
    if (await confirm(question)) await undo(revision.n, context, location.hash);
  };
  return [element("div", { class: "actions" }, element("button", { type: "button", "data-does": "undo", on: { click: act } }, "Undo this change"))];
}
