// Start and router: decides by claim, session and address which page is shown, draws it at once when its
// data is there, and moves the focus to its heading. Each page is a file in pages/ with `title` and `draw`, listed in
// pages.js, or a plugin's (plugin_page.js).

import { get, onSignedOut } from "./api.js";
import { drawFrame } from "./frame.js";
import { FIRST, find, groups } from "./pages.js";
import * as session from "./session.js";
import { pages as pluginPages } from "./plugin_page.js";
import { learnZone } from "./time.js";
import { element, explain } from "./ui.js";
import * as claim from "./pages/claim.js";
import * as signIn from "./pages/sign_in.js";

/** The pages that plugins bring at the moment, by address. */
let brought = new Map();
/** What ends when the page that is shown is left. */
let leaving = [];

const main = document.getElementById("main");
const frame = { header: document.getElementById("header"), nav: document.getElementById("nav") };
const announcement = document.getElementById("announcement");
/**
 * What every page is given: the claim's status, and the ways to go on. Besides, each time it is drawn: its `address`,
 * what follows it as `rest` and `query`, and `onLeave(act)` for what must end with it.
 */
const context = { status: null, message: null, go, redraw, claimed };
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
  await Promise.all([lookForPages(), learnZone()]);
  if (mine !== drawing) return;
  const shown = session.current() === null ? [] : groups(brought);
  const place = due(shown);
  const ends = [];
  const nodes = await drawn(place, (act) => ends.push(act));
  if (mine !== drawing) return ends.forEach((end) => end());
  leave(ends);
  replace(nodes, place.page.title, afterwards, shown, place.address);
}

function leave(next) {
  leaving.forEach((end) => end());
  leaving = next;
}

/** Plugins come and go. When they cannot be asked for, those that were there last stay. */
async function lookForPages() {
  if (session.current() === null) return;
  try {
    brought = await pluginPages();
  } catch (problem) {
    console.debug("the plugins' pages cannot be listed:", problem.message);
  }
}

function due(shown) {
  const alone = (page) => ({ address: FIRST, page, rest: [], query: new URLSearchParams() });
  if (context.status.open) return alone(claim);
  if (session.current() === null) return alone(signIn);
  return find(shown, location.hash);
}

async function drawn({ page, ...place }, onLeave) {
  try {
    return await page.draw({ ...context, ...place, onLeave });
  } catch (problem) {
    return [element("h1", {}, page.title), explain(problem, () => show(focusHeading))];
  }
}

function replace(nodes, title, afterwards, shown = [], address = FIRST) {
  const site = context.status?.site || "Jackfield";
  document.title = title === "Jackfield" ? site : `${title} – ${site}`;
  drawFrame(frame, context, shown, address);
  main.replaceChildren(...nodes);
  main.removeAttribute("aria-busy");
  context.message = null;
  afterwards();
}

/** Draws the page anew and puts the focus on what the selector means there. */
function redraw(selector) {
  return show(() => main.querySelector(selector)?.focus());
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
