// The plugins: how each does and why, what holds its process, what it said last, and what an operator can do
// about it. Asks before it does anything.

import { asProblem, get, post } from "../api.js";
import { confirm } from "../confirm.js";
import * as session from "../session.js";
import { element, greeting, paragraph, state } from "../ui.js";

export const title = "Plugins";
export const right = "plugins:read";

const HERE = "#/plugins";

/** Sign and words of each state. */
const STATES = {
  starting: ["note", "Starting"],
  up: ["ok", "Up"],
  degraded: ["warning", "Degraded"],
  backoff: ["warning", "Waiting to start again"],
  quarantined: ["problem", "Quarantined"],
  disabled: ["unknown", "Switched off"],
  refused: ["problem", "Refused"],
  stopping: ["note", "Stopping"],
};

const NOTHING_WRONG = {
  up: "It serves.",
  starting: "Its process is being started.",
  stopping: "Its process is being stopped.",
};

/** What can be done: where, to which plugins, what it is called, and what the question before it says. */
const COMMANDS = [
  {
    verb: "restart",
    fits: ["up", "degraded", "backoff", "refused"],
    button: "Restart",
    text: (id) => `Its process is stopped and a new one is started; requests to \`${id}\` wait meanwhile.`,
    done: "was restarted",
  },
  {
    verb: "clear-quarantine",
    fits: ["quarantined"],
    button: "Clear the quarantine",
    text: (id) => `The deaths of \`${id}\` are forgotten and it is started again.`,
    done: "is out of quarantine",
  },
  {
    verb: "enable",
    fits: ["disabled"],
    button: "Switch on",
    text: (id) => `\`${id}\` is started, now and whenever the appliance starts.`,
    done: "is switched on",
  },
  {
    verb: "disable",
    fits: ["up", "degraded", "backoff", "quarantined", "refused"],
    button: "Switch off",
    text: (id) => `\`${id}\` stops, and stays off until somebody switches it on. What it serves says so meanwhile.`,
    done: "is switched off",
  },
];

/** The page. */
export async function draw(context) {
  const { items } = await get("/plugins");
  const again = () => context.go(HERE);
  const refresh = element("button", { type: "button", on: { click: again } }, "Look again");
  return [
    ...greeting(context.message),
    element("h1", {}, title),
    paragraph(summary(items), { class: "lead" }),
    element("div", { class: "actions" }, refresh),
    ...items.map((plugin) => shown(plugin, context)),
  ];
}

function summary(items) {
  const up = items.filter((plugin) => plugin.state === "up").length;
  if (items.length === 0) return "None is installed.";
  if (up === items.length) return `All ${items.length} are up.`;
  return `${up} of ${items.length} are up.`;
}

function shown(plugin, context) {
  const id = `plugin-${plugin.id}`;
  const [sign, word] = STATES[plugin.state] ?? ["unknown", plugin.state];
  const name = element("h2", { id }, plugin.title);
  return element(
    "section",
    { class: "plugin", "aria-labelledby": id },
    element("div", { class: "head" }, name, state(sign, word)),
    paragraph(plugin.summary, { class: "help" }),
    element("p", {}, why(plugin)),
    facts(plugin),
    ...confinement(plugin),
    ...lines(plugin),
    ...commands(plugin, context),
  );
}

function why({ state: name, reason, page, id }) {
  const words = reason === "" ? (NOTHING_WRONG[name] ?? "No reason is given.") : reason;
  const sentence = element("span", {}, words[0].toUpperCase() + words.slice(1), /[.!?]$/.test(words) ? "" : ".");
  if (page === null || !["up", "degraded"].includes(name)) return sentence;
  return element("span", {}, sentence, " ", element("a", { href: `#/plugin/${id}` }, "Open its page"));
}

function facts(plugin) {
  const rows = [
    ["Since", instant(plugin.since)],
    ["Next try", plugin.next_try === null ? null : instant(plugin.next_try)],
    ["Restarts", String(plugin.restarts)],
    ["Version", plugin.version],
    ["Process", plugin.pid === null ? "none" : String(plugin.pid)],
    ["Memory", plugin.memory_bytes === null ? null : megabytes(plugin.memory_bytes)],
    plugin.builtin ? ["Part of", "the appliance"] : ["Signed by", plugin.signed_by ?? "nobody"],
    ["Broke the treaty", times(plugin.misbehaviour)],
    ["Late answers", times(plugin.late_answers)],
    ["Dropped log lines", times(plugin.dropped_lines)],
    ["Last end", plugin.last_end],
  ];
  const filled = rows.filter(([, value]) => value !== null && value !== "");
  const cell = ([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value));
  return element("dl", { class: "facts" }, ...filled.map(cell));
}

function instant(text) {
  return element("time", { datetime: text }, new Date(text).toLocaleString());
}

function megabytes(bytes) {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

function times(count) {
  return count === 0 ? null : String(count);
}

function confinement({ confinement: measures }) {
  if (measures.length === 0) return [];
  const held = measures.filter((measure) => measure.is_enforced).length;
  const said =
    held === measures.length
      ? "What holds its process: everything is enforced"
      : `What holds its process: ${measures.length - held} of ${measures.length} are not enforced`;
  const item = ({ name, is_enforced: enforced, detail }) =>
    element(
      "li",
      {},
      state(enforced ? "ok" : "warning", enforced ? "Enforced" : "Not enforced"),
      element("span", {}, `${name}: ${detail}`),
    );
  const list = element("ul", { class: "measures" }, ...measures.map(item));
  return [element("details", { open: held < measures.length }, element("summary", {}, said), list)];
}

function lines({ id, last_lines: last }) {
  if (last.length === 0) return [];
  const text = element("pre", { tabindex: "0", role: "region", "aria-label": `Last lines of ${id}` }, last.join("\n"));
  return [element("details", {}, element("summary", {}, `Last lines of its log (${last.length})`), text)];
}

function commands(plugin, context) {
  if (!session.current().rights.includes("plugins:write")) return [];
  const fitting = COMMANDS.filter(({ fits }) => fits.includes(plugin.state));
  const button = (command) =>
    element(
      "button",
      { type: "button", "data-verb": command.verb, on: { click: () => carryOut(command, plugin, context) } },
      command.button,
      element("span", { class: "unseen" }, ` ${plugin.title}`),
    );
  return fitting.length === 0 ? [] : [element("div", { class: "actions" }, ...fitting.map(button))];
}

async function carryOut({ verb, button, text, done }, { id, title: name }, context) {
  if (!(await confirm({ title: `${button}: ${name}?`, text: text(id), button }))) return;
  try {
    await post(`/plugins/${id}:${verb}`);
    context.go(HERE, { state: "ok", text: `${name} ${done}.` });
  } catch (cause) {
    const { title: what, detail } = asProblem(cause);
    context.go(HERE, { state: "problem", text: `${what}. ${detail}` });
  }
}
