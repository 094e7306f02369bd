// A list that the API gives page by page: its table, the way on and back, and the search where there is one. The table
// is drawn anew in its place, so that what was typed and the focus stay.

import { get } from "./api.js";
import { element, explain, paragraph, table } from "./ui.js";

/**
 * The nodes of a list. `address(cursor)` is the page's path; `row(item)` are its cells; `view` keeps `words` and
 * `cursors` from one drawing to the next; `empty` is said where there is nothing.
 */
export async function paged({ title, headings, address, row, view, searchable = false, empty = "There is none yet." }) {
  const place = element("div", { class: "list" });
  const status = element("p", { class: "help", role: "status" });
  const back = element("button", { type: "button", "data-does": "previous" }, "Previous page");
  const on = element("button", { type: "button", "data-does": "next" }, "Next page");
  const pager = element("div", { class: "actions" }, back, on);
  let following = null;
  const draw = async () => {
    try {
      const { items, next } = await get(address(view.cursors.at(-1)));
      following = next;
      const nothing = view.words === "" ? empty : `Nothing fits “${view.words}”.`;
      place.replaceChildren(items.length === 0 ? paragraph(nothing) : table(title, headings, items.map(row)));
      status.textContent = said(items.length, next, view);
      pager.hidden = next === null && view.cursors.length === 1;
      back.disabled = view.cursors.length === 1;
      on.disabled = next === null;
    } catch (problem) {
      place.replaceChildren(explain(problem, draw));
    }
  };
  const turn = async (change, pressed, other) => {
    change();
    await draw();
    (pressed.disabled ? other : pressed).focus();
  };
  back.addEventListener("click", () => turn(() => view.cursors.pop(), back, on));
  on.addEventListener("click", () => turn(() => view.cursors.push(following), on, back));
  await draw();
  const search = searchable ? [searchBox(view, draw)] : [];
  return Object.assign([...search, status, place, pager], { again: draw });
}

function said(count, next, { words, cursors }) {
  if (count === 0) return "";
  const found = `${count} ${count === 1 ? "entry" : "entries"}${words === "" ? "" : " found"}`;
  if (cursors.length === 1 && next === null) return `${found}.`;
  return `${found} on page ${cursors.length}${next === null ? ", the last one" : "; more follow"}.`;
}

/** Searching begins when it is sent, so that nothing moves while somebody types. */
function searchBox(view, draw) {
  const input = element("input", { type: "search", id: "search", value: view.words, autocomplete: "off", maxlength: "100" });
  const send = async (event) => {
    event.preventDefault();
    view.words = input.value.trim();
    view.cursors = [""];
    await draw();
  };
  return element(
    "form",
    { class: "search", role: "search", on: { submit: send } },
    element("label", { for: "search" }, "Search"),
    element("div", { class: "control" }, input, element("button", { type: "submit" }, "Search")),
  );
}
