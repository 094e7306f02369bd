// Start and router: decides by claim, session and address which page is shown, draws it at once when its
// data is there, and moves the focus to its heading. Each page is a file in pages/ with `title` and `draw`, or a
// plugin's (plugin_page.js).

import { pageOf } from "./address.js";
import { get, onSignedOut } from "./api.js";
import { drawHeader } from "./frame.js";
import * as session from "./session.js";
import { pages as pluginPages } from "./plugin_page.js";
import { element, explain } from "./ui.js";
import * as claim from "./pages/claim.js";
import * as dialing from "./pages/dialing.js";
import * as overview from "./pages/overview.js";
import * as plugins from "./pages/plugins.js";
import * as signIn from "./pages/sign_in.js";

/** Pages for whoever is signed in, by address, in the order of the navigation. The first is the default. */
const PAGES = new Map([
  ["#/overview", overview],
  ["#/dialing", dialing],
  ["#/plugins", plugins],
]);
/** The same with those that plugins bring at the moment. */
let pages = PAGES;

const main = document.getElementById("main");
const announcement = document.getElementById("announcement");
/** What every page is given: the claim's status, and the ways to go on. */
const context = { status: null, message: null, go, claimed };
let drawing = 0;

async function start() {
  document.getElementById("skip").addEventListener("click", skip);
  addEventListener("hashchange", () => show(focusHeading));
  onSignedOut(sessionEnded);
  await begin(() => {});
}

async function begin(afterwards) {
  try {
    context.status = await get("/claim");
    if (!context.status.open) await session.resume();
  } catch (problem) {
    return replace([explain(problem, retry)], "Jackfield", afterwards);
  }
  await show(afterwards);
}

function retry() {
  return begin(focusHeading);
}

/** Shows what is due now. A page whose data comes late does not overwrite one that was asked for since. */
async function show(afterwards) {
  drawing += 1;
  const mine = drawing;
  main.setAttribute("aria-busy", "true");
  await lookForPages();
  if (mine !== drawing) return;
  const page = due();
  const nodes = await drawn(page);
  if (mine === drawing) replace(nodes, page.title, afterwards);
}

/** Plugins come and go. When they cannot be asked for, those that were there last stay. */
async function lookForPages() {
  if (session.current() === null) return;
  try {
    pages = new Map([...PAGES, ...(await pluginPages())]);
  } catch (problem) {
    console.debug("the plugins' pages cannot be listed:", problem.message);
  }
}

function due() {
  if (context.status.open) return claim;
  if (session.current() === null) return signIn;
  return pages.get(pageOf(pages, location.hash)) ?? overview;
}

async function drawn(page) {
  try {
    return await page.draw(context);
  } catch (problem) {
    return [element("h1", {}, page.title), explain(problem, () => show(focusHeading))];
  }
}

function replace(nodes, title, afterwards) {
  const site = context.status?.site || "Jackfield";
  document.title = title === "Jackfield" ? site : `${title} – ${site}`;
  drawHeader(document.getElementById("header"), context, pages);
  main.replaceChildren(...nodes);
  main.removeAttribute("aria-busy");
  context.message = null;
  afterwards();
}

/** Goes to a page, also when its address is the current one; `message`, `{state, text}`, greets there. */
function go(address, message = null) {
  context.message = message;
  announcement.textContent = message?.text ?? "";
  if (location.hash === address) return show(focusHeading);
  location.hash = address;
}

/** Notes that somebody has claimed the appliance. */
function claimed() {
  context.status = { ...context.status, open: false };
}

/** Leaves the address alone, so that signing in again leads back to it. */
function sessionEnded() {
  session.forget();
  context.message = { state: "note", text: "Your session has ended. Sign in again to go on." };
  show(focusHeading);
}

function focusHeading() {
  scrollTo(0, 0);
  const heading = main.querySelector("h1");
  heading?.setAttribute("tabindex", "-1");
  heading?.focus();
}

/** The address belongs to the router, so the skip link only moves the focus. */
function skip(event) {
  event.preventDefault();
  main.focus();
}

await start();
