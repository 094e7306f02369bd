// A list of the API's as a table: the first page at once, more when somebody asks, sorted by a column's heading.

import { asProblem, get } from "./api.js";
import { element, notice, paragraph } from "./ui.js";

/**
 * Nodes of a table. `path` is a list of the API's that is read page by page; `key` is where its rows are; `cells`
 * makes a row's cells; `empty` is said where there is none. `first` is its first page, where it was read already.
 */
export async function listing({ label, path, key = "items", headings, cells, empty, first }) {
  const page = first ?? (await get(path));
  // A page may be empty although there are more: where rows are rare, a part of the list was looked through.
  if (page[key].length === 0 && page.next === null) return [paragraph(empty)];
  const body = element("tbody");
  const status = element("p", { class: "help", role: "status" });
  const head = element("tr");
  const state = { body, status, head, path, key, cells, next: null };
  head.append(...headings.map((text, column) => heading(state, text, column)));
  const made = element("table", {}, element("thead", {}, head), body);
  const scroll = element("div", { class: "scroll", role: "region", "aria-label": label, tabindex: "0" }, made);
  const outcome = element("div", { class: "outcome" });
  const more = element("button", { type: "button", on: { click: () => grow(state, more, outcome) } }, "Show more");
  add(state, page, more);
  return [scroll, outcome, element("div", { class: "actions" }, more, status)];
}

function heading(state, text, column) {
  if (text === "") return element("td", {});
  const click = () => sort(state, column);
  const button = element("button", { type: "button", class: "sort", on: { click } }, text);
  return element("th", { scope: "col" }, button);
}

/** Sorts what is shown, the other way round when it is sorted by that column already. */
function sort({ body, head }, column) {
  const cell = head.children[column];
  const down = cell.getAttribute("aria-sort") === "ascending";
  [...head.children].forEach((other) => other.removeAttribute("aria-sort"));
  cell.setAttribute("aria-sort", down ? "descending" : "ascending");
  const text = (row) => row.children[column].textContent;
  const rows = [...body.children];
  rows.sort((one, other) => text(one).localeCompare(text(other), undefined, { numeric: true }) * (down ? -1 : 1));
  body.replaceChildren(...rows);
}

function add(state, page, more) {
  const { body, status, head, cells, key } = state;
  const line = (row) => element("tr", {}, ...cells(row).map((cell) => element("td", {}, cell)));
  body.append(...page[key].map(line));
  [...head.children].forEach((cell) => cell.removeAttribute("aria-sort"));
  state.next = page.next;
  more.hidden = page.next === null;
  const count = body.children.length;
  status.textContent = page.next === null ? "" : count === 0 ? "Nothing so far; there may be more." : `The first ${count} are shown.`;
}

async function grow(state, more, outcome) {
  more.setAttribute("aria-disabled", "true");
  outcome.replaceChildren();
  try {
    const joint = state.path.includes("?") ? "&" : "?";
    add(state, await get(`${state.path}${joint}cursor=${encodeURIComponent(state.next)}`), more);
  } catch (cause) {
    const { title, detail } = asProblem(cause);
    outcome.replaceChildren(notice("problem", title, paragraph(detail)));
  } finally {
    more.removeAttribute("aria-disabled");
  }
}
