// The frame around every page: the site's name, the navigation, who is signed in. Knows no page's content.

import { pageOf } from "./address.js";
import * as session from "./session.js";
import { element } from "./ui.js";

/** Draws the header anew. `pages` are the navigation's addresses with their pages. */
export function drawHeader(header, context, pages) {
  const parts = [brand(context.status)];
  const signedIn = session.current();
  if (signedIn !== null) parts.push(navigation(pages), person(signedIn, context));
  header.replaceChildren(...parts);
}

function brand(status) {
  const icon = element("img", { src: "/console/icon.svg", alt: "", width: "32", height: "32" });
  const names = [element("span", { class: "product" }, "Jackfield")];
  if (status?.site) names.push(element("span", { class: "site" }, status.site));
  return element("div", { class: "brand" }, icon, element("div", {}, ...names));
}

function navigation(pages) {
  const shown = pageOf(pages, location.hash) ?? pages.keys().next().value;
  const links = [...pages].map(([address, page]) =>
    element("a", { href: address, "aria-current": address === shown ? "page" : null }, page.title),
  );
  return element("nav", { "aria-label": "Main" }, ...links);
}

function person({ who, role }, context) {
  // The API names people "admin NAME", as revisions and logs do; here the role stands beside the name.
  const name = who.replace(/^admin /, "");
  const button = element(
    "button",
    { type: "button", class: "quiet", on: { click: () => leave(context) } },
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
