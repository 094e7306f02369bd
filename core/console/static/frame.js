// The frame around every page: the site's name, the navigation in groups, who is signed in. Knows no page's content.

import * as session from "./session.js";
import { element } from "./ui.js";

/** Draws the frame anew. `groups` are the navigation's; `address` is the page that is shown. */
export function drawFrame({ header, nav }, context, groups, address) {
  const signedIn = session.current();
  header.replaceChildren(brand(context.status));
  nav.replaceChildren();
  nav.hidden = signedIn === null;
  if (signedIn === null) return;
  nav.dataset.open = "false";
  nav.append(...groups.flatMap(([name, pages]) => group(name, pages, address)));
  header.append(menu(nav), person(signedIn, context));
}

function brand(status) {
  const icon = element("img", { src: "/console/icon.svg", alt: "", width: "32", height: "32" });
  const names = [element("span", { class: "product" }, "Jackfield")];
  if (status?.site) names.push(element("span", { class: "site" }, status.site));
  return element("div", { class: "brand" }, icon, element("div", {}, ...names));
}

function group(name, pages, shown) {
  const id = `nav-${name.toLowerCase().replaceAll(" ", "-")}`;
  const link = ([address, page]) =>
    element(
      "li",
      {},
      element("a", { href: address, "aria-current": address === shown ? "page" : null }, page.title),
    );
  const list = element("ul", { "aria-labelledby": name === "" ? null : id }, ...pages.map(link));
  return name === "" ? [list] : [element("p", { id }, name), list];
}

/** Where the window is narrow, the navigation is folded away behind this button. */
function menu(nav) {
  const flip = () => {
    const open = nav.dataset.open !== "true";
    nav.dataset.open = String(open);
    button.setAttribute("aria-expanded", String(open));
  };
  const button = element(
    "button",
    { type: "button", class: "menu", "aria-expanded": "false", "aria-controls": nav.id, on: { click: flip } },
    "Menu",
  );
  return button;
}

function person({ who, role }, context) {
  // The API names people "admin NAME", as revisions and logs do; here the role stands beside the name.
  const name = who.replace(/^admin /, "");
  const button = element(
    "button",
    { type: "button", class: "quiet", "data-does": "sign-out", on: { click: () => leave(context) } },
    "Sign out",
  );
  const label = element(
    "p",
    {},
    element("span", { class: "unseen" }, "Signed in as "),
    element("strong", {}, name),
    element("span", { class: "role" }, `Role: ${role}`),
  );
  return element("div", { class: "person" }, label, button);
}

async function leave(context) {
  try {
    await session.signOut();
    context.go("#/sign-in", { state: "ok", text: "You are signed out." });
  } catch (problem) {
    context.go("#/overview", { state: "problem", text: `You are still signed in. ${problem.message}` });
  }
}
