// The site's scripts: which there are and how they do.

import { get } from "../api.js";
import * as session from "../session.js";
import { when } from "../time.js";
import { greet } from "../undo.js";
import { element, paragraph, section, state, table } from "../ui.js";
import { one } from "../hook_page.js";

export const title = "Hooks";
export const right = "hooks:read";

/** Sign and words of each state. */
export const STATES = {
  active: ["ok", "Active"],
  failed: ["problem", "Failed"],
  not_published: ["unknown", "Not published"],
};

/** The list, a new script, or one. */
export function draw(context) {
  const [name] = context.rest;
  return name === undefined ? list(context) : one(name, context, STATES);
}

async function list(context) {
  const [{ items }, { items: places }] = await Promise.all([get("/hooks"), get("/hooks:catalog")]);
  const row = (hook) => [
    element("a", { href: `#/hooks/${encodeURIComponent(hook.name)}` }, hook.name),
    state(...(STATES[hook.state] ?? ["unknown", hook.state])),
    hook.registers.map(({ kind, name }) => `${kind} ${name}`).join(", ") || "–",
    `${hook.calls} / ${hook.failures}`,
    when(hook.published_at),
  ];
  const headings = ["Script", "State", "Registers", "Asked / failed", "Published"];
  const made = session.may("hooks:write")
    ? [element("div", { class: "actions" }, element("a", { class: "button primary", href: "#/hooks/new", "data-does": "new" }, "New script"))]
    : [];
  return [
    ...greet(context),
    element("h1", {}, title),
    paragraph("The site's own scripts. They have the last word on what is dialed, look at clocks and ports, and are told of events.", { class: "lead" }),
    ...made,
    items.length === 0 ? paragraph("There is none yet.") : table("Scripts", headings, items.map(row)),
    section("Places at which scripts are asked", catalogue(places)),
  ];
}

function catalogue(places) {
  const row = (place) => [
    element("code", {}, place.name),
    place.mode,
    `${place.safepoints} steps, ${place.wall_ms} ms`,
    place.calls.join(", ") || "–",
    place.on_failure,
  ];
  return table("Places", ["Place", "Who decides", "Budget", "What may be called", "When a script fails"], places.map(row));
}
