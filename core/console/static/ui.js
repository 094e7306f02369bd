// Small parts that every page is built of. All text goes in as text, never as markup. Leaves out forms,
// which have their own file.

import { asProblem } from "./api.js";

const SVG = "http://www.w3.org/2000/svg";

/** Shape of each state's icon, so that colour is never the only sign. */
const SHAPES = {
  ok: ["M12 2a10 10 0 1 0 0 20a10 10 0 1 0 0-20z", "M7.5 12.5l3 3l6-6.5"],
  warning: ["M12 2.5L23 21.5H1z", "M12 9v6M12 17.6v1.2"],
  problem: ["M7.9 2h8.2L22 7.9v8.2L16.1 22H7.9L2 16.1V7.9z", "M8.5 8.5l7 7M15.5 8.5l-7 7"],
  note: ["M12 2a10 10 0 1 0 0 20a10 10 0 1 0 0-20z", "M12 11v6M12 6.8v1.2"],
  unknown: ["M3 3h18v18H3z", "M9 9.5a3 3 0 1 1 4.2 2.7q-1.2.6-1.2 2M12 16.6v1.2"],
};

/** Words of each state, as people read them. */
const WORDS = { ok: "OK", warning: "Warning", problem: "Problem", unknown: "Unknown" };

/**
 * An element. Attributes that are null or false are left out; `on` holds listeners by event; children are
 * nodes or text.
 */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  const { on = {}, ...plain } = attributes;
  for (const [key, value] of Object.entries(plain)) {
    if (value !== null && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  for (const [event, act] of Object.entries(on)) made.addEventListener(event, act);
  made.append(...children);
  return made;
}

/** Text in which `words between backticks` are shown as code; returns a list of children. */
export function prose(text) {
  const parts = text.split("`");
  return parts.map((part, index) => (index % 2 === 1 ? element("code", {}, part) : part));
}

/** A paragraph of prose. */
export function paragraph(text, attributes = {}) {
  return element("p", attributes, ...prose(text));
}

/** A state as icon and word; the word may be another than the usual one. */
export function state(name, word = WORDS[name] ?? name) {
  return element("span", { class: "state", "data-state": name }, icon(name), word);
}

/** The icon of a state; decoration beside its word. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const [outline, sign] = SHAPES[name] ?? SHAPES.unknown;
  const properties = {
    viewBox: "0 0 24 24",
    width: "20",
    height: "20",
    "aria-hidden": "true",
    class: "icon",
  };
  for (const [key, value] of Object.entries(properties)) svg.setAttribute(key, value);
  svg.append(path(outline, "outline"), path(sign, "sign"));
  return svg;
}

function path(shape, kind) {
  const made = document.createElementNS(SVG, "path");
  made.setAttribute("d", shape);
  made.setAttribute("class", kind);
  return made;
}

/** A boxed message with a state, a title, and what to do next. */
export function notice(stateName, title, ...body) {
  const role = stateName === "problem" ? "alert" : null;
  const head = element("p", { class: "title" }, icon(stateName), title);
  return element("div", { class: "notice", "data-state": stateName, role, tabindex: "-1" }, head, ...body);
}

/** What greets on a page after something happened elsewhere, `{state, text}`; an empty list for null. */
export function greeting(message) {
  return message === null ? [] : [notice(message.state, message.text)];
}

/** What went wrong as a person reads it, with a button that tries again. */
export function explain(cause, again) {
  const { title, detail } = asProblem(cause);
  const button = element("button", { type: "button", on: { click: again } }, "Try again");
  return notice("problem", title, paragraph(detail), button);
}

/** A section with a heading. */
export function section(title, ...body) {
  const id = `section-${title.toLowerCase().replaceAll(/[^a-z]+/g, "-")}`;
  return element("section", { "aria-labelledby": id }, element("h2", { id }, title), ...body);
}

/** A table with a row of headings; cells are nodes or text. Scrolls on its own when it is too wide. */
export function table(label, headings, rows) {
  const heading = (text) => (text === "" ? element("td") : element("th", { scope: "col" }, text));
  const head = element("tr", {}, ...headings.map(heading));
  const line = (cells) => element("tr", {}, ...cells.map((cell) => element("td", {}, cell)));
  const caption = element("caption", { class: "unseen" }, label);
  const made = element("table", {}, caption, element("thead", {}, head), element("tbody", {}, ...rows.map(line)));
  return element("div", { class: "scroll", role: "region", "aria-label": label, tabindex: "0" }, made);
}

/** A button that does something. */
export function button(label, click, attributes = {}) {
  return element("button", { type: "button", on: { click }, ...attributes }, label);
}

/** Buttons and links side by side. */
export function actions(...children) {
  return element("div", { class: "actions" }, ...children);
}

/** Names with their values, which are nodes or text. */
export function facts(pairs) {
  const pair = ([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value));
  return element("dl", { class: "facts" }, ...pairs.map(pair));
}

/** Words as a sentence: a capital first, a full stop at the end. */
export function sentence(words) {
  if (words === "") return "";
  return `${words[0].toUpperCase()}${words.slice(1)}${/[.!?]$/.test(words) ? "" : "."}`;
}
