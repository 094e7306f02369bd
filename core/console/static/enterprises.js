// The enterprise list box: which enterprise every page that belongs to one shows. The choice lasts as long as the
// browser's tab.

import { get } from "./api.js";
import { element } from "./ui.js";

const KEPT = "enterprise";
/** Pages of 500 that are read at most; more enterprises than that are chosen by address. */
const MOST_PAGES = 10;

/** Every item of a list below the API's base, up to 5,000. */
export async function all(path) {
  const items = [];
  let cursor = "";
  for (let page = 0; page < MOST_PAGES && cursor !== null; page += 1) {
    const sign = path.includes("?") ? "&" : "?";
    const found = await get(`${path}${sign}limit=500&cursor=${encodeURIComponent(cursor)}`);
    items.push(...found.items);
    cursor = found.next;
  }
  return items;
}

/** Chooses an enterprise for the pages that follow. */
export function choose(id) {
  sessionStorage.setItem(KEPT, id);
}

/** The enterprise that is chosen among those that there are; null where there is none. */
export function chosen(enterprises) {
  const kept = sessionStorage.getItem(KEPT);
  return enterprises.find(({ id }) => id === kept)?.id ?? enterprises[0]?.id ?? null;
}

/** The list box and what it says, `{id, node}`; id null: there is no enterprise yet. */
export async function listBox(context) {
  const enterprises = await all("/enterprises");
  const id = chosen(enterprises);
  if (id === null) return { id, node: nothingYet() };
  const select = element(
    "select",
    { id: "enterprise-box" },
    ...enterprises.map((one) => element("option", { value: one.id, selected: one.id === id }, called(one))),
  );
  select.addEventListener("change", () => {
    choose(select.value);
    context.redraw("#enterprise-box");
  });
  const label = element("label", { for: "enterprise-box" }, "Enterprise");
  return { id, node: element("div", { class: "enterprise-box" }, label, select) };
}

function called({ id, description }) {
  return description === "" || description === id ? id : `${description} (${id})`;
}

function nothingYet() {
  const link = element("a", { href: "#/enterprises/new" }, "Make the first one");
  return element("p", {}, "There is no enterprise yet; everything here belongs to one. ", link, ".");
}
