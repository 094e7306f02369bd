// Jobs: work that takes longer than a request, how far it is, what came of it, and cancelling it.

import { follow, hasEnded, jobState } from "../job_view.js";
import { every } from "../live.js";
import { paged } from "../paged.js";
import { when } from "../time.js";
import { greet } from "../undo.js";
import { element, paragraph } from "../ui.js";

export const title = "Jobs";
export const right = "jobs:read";

const LOOK_AGAIN_MS = 3000;

const view = { words: "", cursors: [""] };

/** The list, or one job. */
export function draw(context) {
  const [id] = context.rest;
  return id === undefined ? list(context) : one(id, context);
}

async function one(id, context) {
  const back = element("p", {}, element("a", { href: "#/jobs" }, "All jobs"));
  return [...greet(context), element("h1", {}, "Job"), back, ...(await follow(id, context))];
}

async function list(context) {
  view.cursors = [""];
  let working = false;
  const row = (job) => {
    working ||= !hasEnded(job);
    return [
      element("a", { href: `#/jobs/${encodeURIComponent(job.id)}` }, job.name),
      job.plugin === "core" ? "the appliance" : job.plugin,
      jobState(job),
      progress(job),
      job.who,
      when(job.created_at),
    ];
  };
  const headings = ["Job", "Done by", "State", "How far", "Asked for by", "Asked for"];
  const nodes = await paged({ title, headings, address: (cursor) => `/jobs?limit=50&cursor=${cursor}`, row, view });
  if (working) context.onLeave(every(LOOK_AGAIN_MS, () => lookAgain(nodes, () => working, () => (working = false))));
  const lead = paragraph("Work that takes longer than a request. What has ended is kept for a while.", { class: "lead" });
  return [...greet(context), element("h1", {}, title), lead, ...nodes];
}

/** Draws the list anew while something works, unless somebody is on a link in it. */
async function lookAgain(nodes, isWorking, forget) {
  if (nodes.some((node) => node.contains(document.activeElement))) return true;
  forget();
  await nodes.again();
  return isWorking();
}

function progress({ done, total, note }) {
  return done === null || !total ? note || "–" : `${done} of ${total}`;
}
