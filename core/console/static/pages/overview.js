// The overview: is the appliance ready, what the doctor found, which enterprises there are, and where to
// go on. Shows; changes nothing.

import { get, readiness } from "../api.js";
import { element, explain, greeting, paragraph, prose, section, state, table } from "../ui.js";

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
  const outcomes = await Promise.allSettled(sources);
  if (outcomes.every((outcome) => outcome.status === "rejected")) throw outcomes[0].reason;
  const [ready, findings, enterprises] = outcomes;
  const again = () => context.go("#/overview");
  return [
    ...greeting(context.message),
    element("h1", {}, title),
    shown(ready, again, (value) => standing(value, context.status)),
    section(
      "Doctor",
      shown(findings, again, (value) => doctor(value.items, again)),
    ),
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
  const facts = [
    ["State", element("div", { class: "standing" }, mark, words)],
    ["Version", version],
    ["Site", called(site)],
  ];
  const rows = facts.map(([name, value]) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, value)),
  );
  return element("dl", { class: "facts" }, ...rows);
}

function called(site) {
  return site === ""
    ? element("div", {}, ...prose("Not named yet; `jackfield settings set site.name NAME` does it."))
    : site;
}

function doctor(findings, again) {
  const items = findings.map((finding) =>
    element(
      "li",
      { class: "finding" },
      state(finding.state),
      element(
        "div",
        {},
        element("h3", {}, inWords(finding.name)),
        paragraph(finding.detail),
        ...advice(finding),
      ),
    ),
  );
  const button = element("button", { type: "button", on: { click: again } }, "Examine again");
  return element(
    "div",
    {},
    paragraph(summary(findings)),
    element("ul", { class: "findings" }, ...items),
    button,
  );
}

/** A check's name in words; those of plugins are named `plugin.ID.CHECK`, those of scripts `check.NAME`. */
function inWords(name) {
  return name.replace(/^(plugin|check)\.([^.]+)\./, "$1 $2: ").replaceAll("_", " ");
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
  const rows = items.map(({ id, description, domain }) => [
    element("a", { href: `#/enterprises/${encodeURIComponent(id)}` }, id),
    description,
    domain,
  ]);
  const made = table("List of enterprises", ["Enterprise ID", "Description", "Domain"], rows);
  if (next === null) return made;
  const more = paragraph(`These are the first ${MOST_ENTERPRISES}; the page Enterprises lists all.`, { class: "help" });
  return element("div", {}, made, more);
}

function nothingYet() {
  const link = element("a", { href: "#/enterprises/new" }, "Make the first one");
  return element("p", {}, "There is none yet. ", link, ".");
}

function ways() {
  const rows = VERBS.map(([verb, does]) => [element("code", {}, verb), does]);
  const api = element("a", { href: "/api/v1/openapi.json" }, "its description (OpenAPI)");
  return [
    element("p", {}, "Everything here goes through the API; see ", api, "."),
    paragraph("At the terminal of the machine:"),
    table("Verbs of the command line", ["Verb", "What it does"], rows),
  ];
}
