// The corporate directory: one top folder, folders of units and of peers; who is shown in it and who is hidden.
// Hiding an entry keeps the account.

import { asProblem, call } from "../api.js";
import { named } from "../describe.js";
import { all, listBox } from "../enterprises.js";
import { paged } from "../paged.js";
import * as session from "../session.js";
import { greet } from "../undo.js";
import { element, notice, paragraph } from "../ui.js";

export const title = "Corporate directory";
export const right = "accounts:read";

const view = { words: "", cursors: [""], enterprise: null, folder: null, hidden: false };

/** The page. */
export async function draw(context) {
  const box = await listBox(context);
  const head = [
    ...greet(context),
    element("h1", {}, title),
    paragraph("Who can be looked up. Peers' contacts have a folder of their own.", { class: "lead" }),
    box.node,
  ];
  if (box.id === null) return head;
  if (view.enterprise !== box.id) Object.assign(view, { cursors: [""], enterprise: box.id, folder: null });
  const folders = await all(`/directory/folders?enterprise=${encodeURIComponent(box.id)}`);
  const outcome = element("div", { class: "outcome" });
  const list = await entries(outcome);
  const again = () => {
    view.cursors = [""];
    return list.again();
  };
  return [
    ...head,
    element(
      "div",
      { class: "beside" },
      tree(folders, again),
      element("div", {}, shownToo(again), outcome, ...list),
    ),
  ];
}

function entries(outcome) {
  const address = (cursor) => {
    const query = new URLSearchParams({ limit: "50", cursor, enterprise: view.enterprise, hidden: view.hidden ? "1" : "0" });
    if (view.folder !== null) query.set("folder", view.folder);
    if (view.words !== "") query.set("q", view.words);
    return `/directory?${query}`;
  };
  const headings = ["Name", "Extension", "E-mail", "Folder", "Shown"];
  const writes = session.may("accounts:write");
  const row = (entry) => [
    element("a", { href: `#/accounts/${encodeURIComponent(entry.account)}` }, named(entry)),
    entry.extension || "–",
    entry.email || "–",
    entry.folder || "Top",
    writes ? flipping(entry, outcome) : entry.in_directory ? "Shown" : "Hidden",
  ];
  return paged({ title, headings, address, row, view, searchable: true, empty: "Nobody is in here." });
}

/** The button says what it does; beside it stands how the entry is. */
function flipping(entry, outcome) {
  const place = element("span", { class: "switch" });
  const draw = (isShown) => {
    const act = async () => {
      try {
        await flip(entry.account, !isShown);
        draw(!isShown);
        place.querySelector("button").focus();
      } catch (cause) {
        const { title: what, detail } = asProblem(cause);
        const box = notice("problem", what, paragraph(detail));
        outcome.replaceChildren(box);
        box.focus();
      }
    };
    const name = element("span", { class: "unseen" }, ` ${named(entry)}`);
    const button = element("button", { type: "button", class: "quiet", "data-does": "flip", on: { click: act } }, isShown ? "Hide" : "Show", name);
    place.replaceChildren(isShown ? "Shown" : "Hidden", button);
  };
  draw(entry.in_directory);
  return place;
}

async function flip(account, isShown) {
  const path = `/accounts/${encodeURIComponent(account)}`;
  const { etag } = await call("GET", path);
  await call("PATCH", path, { body: { in_directory: isShown }, etag });
}

function shownToo(again) {
  const input = element("input", { type: "checkbox", id: "hidden-too", checked: view.hidden });
  input.addEventListener("change", () => {
    view.hidden = input.checked;
    again();
  });
  return element("p", { class: "switch" }, input, element("label", { for: "hidden-too" }, "Hidden entries too"));
}

/** Folders as a list within lists, by their paths; the one that is chosen is marked. */
function tree(folders, again) {
  const buttons = new Map();
  const choose = (folder) => {
    view.folder = folder;
    for (const [path, button] of buttons) button.setAttribute("aria-pressed", String(path === folder));
    again();
  };
  const button = (path, text, count) => {
    const made = element(
      "button",
      { type: "button", class: "quiet", "aria-pressed": String(view.folder === path), on: { click: () => choose(path) } },
      text,
      count === null ? "" : element("span", { class: "count" }, ` ${count}`),
    );
    buttons.set(path, made);
    return made;
  };
  const level = (above) => {
    const here = folders.filter(({ folder }) => folder !== "" && parent(folder) === above);
    if (here.length === 0) return [];
    const item = (one) => {
      const name = one.kind === "peer" ? `${last(one.folder)} (peer)` : last(one.folder);
      return element("li", {}, button(one.folder, name, one.entries), ...level(one.folder));
    };
    return [element("ul", {}, ...here.map(item))];
  };
  const top = folders.find(({ folder }) => folder === "");
  const everything = element("li", {}, button(null, "Everybody", null));
  const first = element("li", {}, button("/", "Top folder", top?.entries ?? 0));
  const below = level("").flatMap((list) => [...list.children]);
  return element("section", { class: "tree panel", "aria-label": "Folders" }, element("h2", {}, "Folders"), element("ul", {}, everything, first, ...below));
}

function parent(folder) {
  return folder.includes("/") ? folder.slice(0, folder.lastIndexOf("/")) : "";
}

function last(folder) {
  return folder.slice(folder.lastIndexOf("/") + 1);
}
