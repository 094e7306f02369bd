// Importing a list of accounts: choose a file, try it, see what is wrong line by line, import it, undo it. A trial
// changes nothing; the same file is then imported without being chosen again.

import { asProblem, call } from "./api.js";
import { listBox } from "./enterprises.js";
import { choice } from "./form.js";
import { follow } from "./job_view.js";
import * as session from "./session.js";
import { undo } from "./undo.js";
import { element, notice, paragraph } from "./ui.js";

const COLUMNS =
  "`enterprise`, `login_id`, `first_name`, `last_name`, `email`, `extension`, `pbx_node`, `profile`, `folder`, `deployed`, …";

const MODES = [
  ["all_or_nothing", "Take nothing when a line is wrong"],
  ["keep_good", "Take the good lines, leave the wrong ones"],
];

/** The page below Accounts. */
export async function drawImport(context) {
  const heading = element("h1", {}, "Import accounts");
  const back = element("p", {}, element("a", { href: "#/accounts" }, "All accounts"));
  const box = await listBox(context);
  if (box.id === null || !session.may("accounts:write")) return [heading, back, box.node];
  const outcome = element("div", { class: "result" });
  return [
    heading,
    back,
    paragraph(
      `A list with commas or semicolons. Its first line names the columns: ${COLUMNS} An exported list shows them all. An account that is there already is changed.`,
    ),
    box.node,
    element("section", { class: "panel", "aria-label": "List" }, question(context, box.id, outcome)),
    outcome,
  ];
}

function question(context, enterprise, outcome) {
  const file = element("input", { type: "file", id: "file", accept: ".csv,text/csv,text/plain", "aria-describedby": "file-error" });
  const error = element("p", { class: "error", id: "file-error", hidden: true });
  const mode = choice({ name: "mode", label: "When a line is wrong", choices: MODES });
  const send = (dryRun) => {
    const [list] = file.files;
    error.hidden = list !== undefined;
    file.setAttribute("aria-invalid", String(list === undefined));
    if (list !== undefined) return start({ context, enterprise, outcome, mode: mode.value(), dryRun }, list);
    error.textContent = "Choose the file first.";
    file.focus();
  };
  const submit = (event) => {
    event.preventDefault();
    send(true);
  };
  return element(
    "form",
    { novalidate: true, on: { submit } },
    element("div", { class: "field" }, element("label", { for: "file" }, "File"), element("div", { class: "control" }, file), error),
    mode.node,
    element(
      "div",
      { class: "actions" },
      element("button", { type: "submit", class: "primary", "data-does": "try" }, "Try it first"),
      element("button", { type: "button", "data-does": "import", on: { click: () => send(false) } }, "Import"),
    ),
  );
}

async function start(order, list) {
  const { context, enterprise, outcome, mode, dryRun } = order;
  outcome.replaceChildren(element("p", { role: "status" }, `Sending ${list.name}…`));
  try {
    const query = new URLSearchParams({ enterprise, mode, dry_run: dryRun ? "1" : "0" });
    const file = { type: "text/csv", content: list };
    const job = (await call("POST", `/accounts/import?${query}`, { file })).body;
    const next = (ended) => after(order, list, ended);
    const heading = element("h2", { tabindex: "-1" }, dryRun ? `Trial of ${list.name}` : `Import of ${list.name}`);
    outcome.replaceChildren(heading, ...(await follow(job.id, context, next)));
    heading.focus();
  } catch (cause) {
    const { title, detail, errors } = asProblem(cause);
    const box = notice("problem", title, paragraph(detail), ...errors.map((one) => paragraph(`${one.pointer} ${one.detail}`)));
    outcome.replaceChildren(box);
    box.focus();
  }
}

/** What can be done once it has ended: import what was tried, or undo what was imported. */
function after(order, list, { state, result }) {
  if (result === null) return [];
  if (result.dry_run) {
    const good = result.created + result.changed;
    const wrong = order.mode === "all_or_nothing" && result.failed > 0;
    if (state !== "done" || good === 0 || wrong) return [paragraph("Mend the list and choose it again.")];
    const act = () => start({ ...order, dryRun: false }, list);
    return [element("button", { type: "button", class: "primary", "data-does": "import-now", on: { click: act } }, "Import it now")];
  }
  if (!result.revision || !session.may("revisions:undo")) return [];
  const act = () => undo(result.revision, order.context, "#/accounts");
  return [element("button", { type: "button", "data-does": "undo", on: { click: act } }, "Undo this import")];
}
