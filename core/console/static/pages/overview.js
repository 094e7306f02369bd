// The overview: is the appliance ready, what the doctor found, which enterprises there are, and where to
// go on. Shows; changes nothing.

import { get, readiness } from "../api.js";
import { element, explain, greeting, prose, section, state, table } from "../ui.js";

export const title = "Overview";

const MOST_ENTERPRISES = 100;

/** Verbs of the command line, with what they are for. `jackfield --help` is the whole list. */
const VERBS = [
  ["jackfield check", "looks at everything that starting needs, and changes nothing"],
  ["jackfield doctor", "examines the appliance and says what to do"],
  ["jackfield admin", "lists, makes and deletes administrators, and sets passwords"],
  ["jackfield token", "lists, makes and revokes API tokens"],
  ["jackfield settings", "lists and changes settings"],
];

/** The page. */
export async function draw(context) {
  const sources = [readiness(), get("/doctor"), get(`/enterprises?limit=${MOST_ENTERPRISES}`)];
  const [ready, findings, enterprises] = await Promise.allSettled(sources);
  const again = () => context.go("#/overview");
  return [
    ...greeting(context.message),
    element("h1", {}, title),
    shown(ready, again, (value) => standing(value, context.status)),
    section("Doctor", shown(findings, again, (value) => doctor(value.items, again))),
    section("Enterprises", shown(enterprises, again, list)),
    section("Ways to work with it", ...ways()),
  ];
}

/** A part that could not be read explains itself; the others are shown all the same. */
function shown(outcome, again, draw) {
  return outcome.status === "fulfilled" ? draw(outcome.value) : explain(outcome.reason, again);
}

function standing({ ready, obstacles }, { version, site }) {
  const [mark, words] = ready
    ? [state("ok", "Ready"), "The appliance does its work."]
    : [state("problem", "Not ready"), obstacles.map((obstacle) => obstacle.detail).join("; ")];
  const facts = [["State", element("div", { class: "standing" }, mark, words)], ["Version", version], ["Site", site || "not named yet"]];
  const rows = facts.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value)));
  return element("dl", { class: "facts" }, ...rows);
}

function doctor(findings, again) {
  const items = findings.map((finding) => element("li", { class: "finding" }, state(finding.state),
    element("div", {}, element("h3", {}, finding.name.replaceAll("_", " ")), element("p", {}, ...prose(finding.detail)), ...advice(finding))));
  const button = element("button", { type: "button", on: { click: again } }, "Examine again");
  return element("div", {}, element("p", {}, summary(findings)), element("ul", { class: "findings" }, ...items), button);
}

function advice(finding) {
  if (finding.advice === "") return [];
  return [element("p", { class: "advice" }, element("strong", {}, "What to do: "), ...prose(finding.advice))];
}

function summary(findings) {
  const wrong = findings.filter((finding) => finding.state !== "ok").length;
  if (wrong === 0) return `All ${findings.length} checks are well.`;
  return `${wrong} of ${findings.length} checks ${wrong === 1 ? "deserves" : "deserve"} a look.`;
}

function list({ items, next }) {
  if (items.length === 0) return nothingYet();
  const rows = items.map(({ id, description, domain }) => [element("code", {}, id), description, domain]);
  const more = next === null ? [] : [element("p", { class: "help" }, `These are the first ${MOST_ENTERPRISES}; the API lists all.`)];
  return element("div", {}, table("List of enterprises", ["Enterprise ID", "Description", "Domain"], rows), ...more);
}

function nothingYet() {
  return element("p", {}, "There is none yet. This version makes enterprises through the API: ",
    ...prose("`POST /api/v1/enterprises` with `id`, `description` and `domain`."));
}

function ways() {
  const rows = VERBS.map(([verb, does]) => [element("code", {}, verb), does]);
  const api = element("a", { href: "/api/v1/openapi.json" }, "its description (OpenAPI)");
  return [
    element("p", {}, "The API does more than the console shows yet; see ", api, ". ",
      ...prose("`jackfield token create` makes a token for programs.")),
    element("p", {}, "At the terminal of the machine:"),
    table("Verbs of the command line", ["Verb", "What it does"], rows),
  ];
}
