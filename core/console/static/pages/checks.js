// Checks: what the site's scripts look at again and again. How each stands, since when, what was seen, what to do, and
// its newest runs. Follows changes as they happen.

import { asProblem, get, post } from "../api.js";
import { follow } from "../live.js";
import * as session from "../session.js";
import { lasting, when } from "../time.js";
import { greet } from "../undo.js";
import { element, notice, paragraph, prose, section, state, table } from "../ui.js";

export const title = "Checks";
export const right = "checks:read";

const STATES = {
  pending: ["unknown", "Unconfirmed"],
  ok: ["ok", "OK"],
  notice: ["note", "Notice"],
  warning: ["warning", "Warning"],
  error: ["problem", "Error"],
  critical: ["problem", "Critical"],
  unknown: ["unknown", "Unknown"],
  not_measurable: ["unknown", "Not measurable"],
};

/** The list, or one check with its history. */
export function draw(context) {
  const [name] = context.rest;
  return name === undefined ? list(context) : one(name, context);
}

async function list(context) {
  const place = element("ul", { class: "findings" });
  const lead = element("p", { class: "lead", role: "status" });
  const look = async () => {
    const { items } = await get("/checks");
    lead.textContent = summary(items);
    renew(place, items.map((check) => element("li", { class: "finding" }, mark(check.state), told(check))));
    place.hidden = items.length === 0;
  };
  await look();
  live(context, look);
  return [...greet(context), element("h1", {}, title), lead, place];
}

/** Looks again when a check changes. */
function live(context, look) {
  context.onLeave(follow(["check.changed"], () => look().catch((cause) => console.debug(cause.message))));
}

/** Shows what is there now, unless somebody is on a link in there, who may have come while it was fetched. */
function renew(place, nodes) {
  if (!place.contains(document.activeElement)) place.replaceChildren(...nodes);
}

function summary(items) {
  const wrong = items.filter(({ state: name }) => name !== "ok").length;
  if (items.length === 0) return "No script brings a check yet.";
  if (wrong === 0) return `All ${items.length} checks are well.`;
  return `${wrong} of ${items.length} checks ${wrong === 1 ? "deserves" : "deserve"} a look.`;
}

function mark(name) {
  const [sign, word] = STATES[name] ?? ["unknown", name];
  return state(sign, word);
}

function told(check) {
  const heading = element("h2", { class: "small" }, element("a", { href: `#/checks/${encodeURIComponent(check.name)}` }, check.name));
  return element("div", {}, heading, paragraph(check.detail || "It has not run yet."), ...advice(check), since(check));
}

function since(check) {
  return element("p", { class: "help" }, "Since ", when(check.since), ". Last run: ", when(check.last_run?.at), ".");
}

function advice(check) {
  if (check.advice === "") return [];
  return [element("p", { class: "advice" }, element("strong", {}, "What to do: "), ...prose(check.advice))];
}

async function one(name, context) {
  const path = `/checks/${encodeURIComponent(name)}`;
  const place = element("div", { class: "result" });
  const status = element("p", { role: "status" });
  const look = async () => renew(place, whole(await get(path)));
  await look();
  live(context, look);
  const run = async () => {
    button.setAttribute("aria-disabled", "true");
    status.textContent = "It runs…";
    try {
      const check = await post(`${path}:run`);
      await look();
      status.textContent = `It has run: ${(STATES[check.last_run?.outcome] ?? STATES.unknown)[1]}.`;
    } catch (cause) {
      const { title: what, detail } = asProblem(cause);
      status.replaceChildren(notice("problem", what, paragraph(detail)));
    }
    button.removeAttribute("aria-disabled");
  };
  const click = () => (button.getAttribute("aria-disabled") === "true" ? null : run());
  const button = element("button", { type: "button", class: "primary", "data-does": "run", on: { click } }, "Run it now");
  return [
    ...greet(context),
    element("h1", {}, name),
    element("p", {}, element("a", { href: "#/checks" }, "All checks")),
    ...(session.may("checks:run") ? [element("div", { class: "actions" }, button)] : []),
    status,
    place,
  ];
}

function whole(check) {
  const rows = [
    ["State", mark(check.state)],
    ["Since", when(check.since)],
    ["Last OK", when(check.last_ok)],
    ["Next run", when(check.next_run)],
    ["Every", check.every_s === null ? "–" : lasting(check.every_s)],
    ["Script", script(check)],
  ];
  const cell = ([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value));
  const doubt = check.doubt === null ? [] : [paragraph(`The last run came to “${STATES[check.doubt]?.[1] ?? check.doubt}”; the next one must confirm it.`)];
  return [
    element("dl", { class: "facts even" }, ...rows.map(cell)),
    paragraph(check.detail || "It has not run yet."),
    ...advice(check),
    ...doubt,
    section("History", history(check.history ?? [])),
  ];
}

function script({ script: name, place }) {
  return element("a", { href: `#/hooks/${encodeURIComponent(name)}` }, place ?? name);
}

function history(runs) {
  if (runs.length === 0) return paragraph("No run yet.");
  const row = (run) => [when(run.at), mark(run.outcome), run.changed ? "yes" : "no", run.detail, `${run.took_ms} ms`];
  return table("Newest runs", ["Ended", "Outcome", "Changed the state", "What was seen", "Took"], runs.map(row));
}
