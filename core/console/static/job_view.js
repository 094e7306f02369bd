// One job while it works and after: state in words, progress, and what came of it. Asks again until it has ended.

import { asProblem, get, post } from "./api.js";
import { confirm } from "./confirm.js";
import { words } from "./describe.js";
import { every } from "./live.js";
import * as session from "./session.js";
import { when } from "./time.js";
import { element, notice, paragraph, state, table } from "./ui.js";

const ASK_EVERY_MS = 1000;

const SIGNS = {
  queued: "note",
  running: "note",
  done: "ok",
  failed: "problem",
  cancelled: "unknown",
  interrupted: "warning",
};

/** Sign and word of a job's state. */
export function jobState({ state: name }) {
  return state(SIGNS[name] ?? "unknown", words(name));
}

/** Whether there is nothing more to come. */
export function hasEnded(job) {
  return job.ended_at !== null;
}

/** The job, drawn anew while it works. `ended(job)` gives more nodes once it has ended, after what `tell(job)` says of it. */
export async function follow(id, context, ended = () => [], tell = result) {
  const place = element("div", { class: "job" });
  // Only what is said in words is read aloud, not every step of the bar.
  const told = element("p", { role: "status" });
  const draw = (job) => {
    const before = told.textContent;
    const now = `${words(job.state)}. ${job.note}`.trim();
    if (before !== now && hasEnded(job)) told.textContent = now;
    place.replaceChildren(...shown(job), ...(hasEnded(job) ? [...tell(job), ...ended(job)] : cancelling(job, context)));
  };
  const path = `/jobs/${encodeURIComponent(id)}`;
  const first = await get(path);
  draw(first);
  if (!hasEnded(first)) {
    context.onLeave(
      every(ASK_EVERY_MS, async () => {
        try {
          const job = await get(path);
          draw(job);
          return !hasEnded(job);
        } catch (cause) {
          told.textContent = asProblem(cause).detail;
          return true;
        }
      }),
    );
  }
  return [told, place];
}

function shown(job) {
  const rows = [
    ["State", jobState(job)],
    ["Asked for by", job.who],
    ["Asked for", when(job.created_at)],
    ["Began", when(job.started_at)],
    ["Ended", when(job.ended_at)],
  ];
  const cell = ([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value));
  const list = element("dl", { class: "facts even" }, ...rows.map(cell));
  const note = job.note === "" || hasEnded(job) ? [] : [paragraph(job.note)];
  return [list, ...note, ...bar(job)];
}

function bar({ done, total }) {
  if (done === null || total === null || total === 0) return [];
  const progress = element("progress", { max: String(total), value: String(done), "aria-label": "Progress" });
  return [element("p", { class: "progress" }, progress, ` ${done} of ${total}`)];
}

function cancelling(job, context) {
  if (!session.may("jobs:write")) return [];
  const act = async () => {
    const text = "It is asked to end at the next good moment. What it has done so far stays.";
    if (!(await confirm({ title: `Cancel the job ${job.name}?`, text, button: "Cancel the job" }))) return;
    try {
      await post(`/jobs/${encodeURIComponent(job.id)}:cancel`);
      context.redraw("h1");
    } catch (cause) {
      const { title, detail } = asProblem(cause);
      context.go(location.hash, { state: "problem", text: `${title}. ${detail}` });
    }
  };
  return [element("button", { type: "button", "data-does": "cancel", on: { click: act } }, "Cancel the job")];
}

/** What came of it: an import's report is told line by line, anything else as it is. */
function result({ result: answer }) {
  if (answer === null) return [];
  if (Array.isArray(answer.errors) && answer.lines !== undefined) return report(answer);
  const text = element("pre", { tabindex: "0", role: "region", "aria-label": "What it answered" }, JSON.stringify(answer, null, 2));
  return [element("h2", {}, "What came of it"), text];
}

function report(told) {
  const counts = [
    ["Lines", told.lines],
    [told.dry_run ? "Would be made" : "Made", told.created],
    [told.dry_run ? "Would be changed" : "Changed", told.changed],
    ["Already so", told.unchanged],
    ["Wrong", told.failed],
  ];
  const cell = ([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, String(value)));
  const parts = [element("h2", {}, "What came of it"), element("dl", { class: "facts even" }, ...counts.map(cell))];
  if (told.dry_run) parts.push(notice("note", "This was a trial: nothing was changed."));
  if (told.errors.length === 0) return parts;
  const row = ({ line, column, rule, value }) => [
    String(line),
    column === "" ? "–" : element("code", {}, column),
    value === "" ? "–" : value,
    rule,
  ];
  parts.push(element("h3", {}, "Lines that are wrong"));
  parts.push(table("Lines that are wrong", ["Line", "Column", "What stands there", "What is wrong"], told.errors.map(row)));
  if (told.errors_left_off > 0) parts.push(paragraph(`${told.errors_left_off} more are not shown.`, { class: "help" }));
  return parts;
}
