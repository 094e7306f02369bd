// Forms: labelled fields with help, the API's errors next to the field that has them, focus on the first
// one. Rules are the API's: a form sends what was typed and shows what the API says about it.

import { Problem } from "./api.js";
import { element, icon, notice, prose } from "./ui.js";

/**
 * A field: `{name, label, node, value(), fail(text), clear(), focus()}`. `help` is text with `code`;
 * everything else goes to the input as attributes.
 */
export function field({ name, label, help = "", ...attributes }) {
  return around(name, label, help, element("input", { type: "text", ...described(name, help), ...attributes }));
}

/** A field with fixed answers: `choices` are `[value, text]` pairs. */
export function choice({ name, label, help = "", choices }) {
  const options = choices.map(([value, text]) => element("option", { value }, text));
  return around(name, label, help, element("select", described(name, help), ...options));
}

/** A password field whose characters can be shown. They are hidden again when the form is sent. */
export function password({ name, label, help = "", autocomplete }) {
  const typing = { spellcheck: "false", autocapitalize: "none", autocorrect: "off" };
  const input = element("input", { type: "password", autocomplete, ...typing, ...described(name, help) });
  const show = (shown) => {
    input.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", String(shown));
  };
  const flip = () => show(input.type === "password");
  const button = element("button", { type: "button", class: "quiet", "aria-pressed": "false", on: { click: flip } },
    `Show ${label.toLowerCase()}`);
  return { ...around(name, label, help, input, button), conceal: () => show(false) };
}

function described(name, help) {
  const parts = help === "" ? [`${name}-error`] : [`${name}-help`, `${name}-error`];
  return { id: name, name, "aria-describedby": parts.join(" ") };
}

function around(name, label, help, input, ...beside) {
  const error = element("p", { class: "error", id: `${name}-error`, hidden: true });
  const parts = [element("label", { for: name }, label)];
  if (help !== "") parts.push(element("p", { class: "help", id: `${name}-help` }, ...prose(help)));
  parts.push(element("div", { class: "control" }, input, ...beside), error);
  const fail = (text) => {
    input.setAttribute("aria-invalid", "true");
    error.replaceChildren(icon("problem"), element("span", {}, ...prose(text)));
    error.hidden = false;
  };
  const clear = () => {
    input.removeAttribute("aria-invalid");
    error.hidden = true;
  };
  const node = element("div", { class: "field" }, ...parts);
  return { name, label, node, fail, clear, conceal: () => {}, value: () => input.value, focus: () => input.focus() };
}

/**
 * A form. `send(values)` does the work with what was filled in, by field name. `blame(problem)` names the
 * field to show a problem at that is not about one field by itself. `advise(problem)` returns nodes that say
 * what to do next.
 */
export function form({ fields, button, send, blame = () => null, advise = () => [] }) {
  const place = element("div", { class: "outcome" });
  const submit = element("button", { type: "submit", class: "primary" }, button);
  const made = element("form", { novalidate: true, autocomplete: "on" }, place, ...fields.map((f) => f.node), submit);
  const parts = { fields, place, blame, advise };
  made.addEventListener("submit", (event) => {
    event.preventDefault();
    if (submit.getAttribute("aria-disabled") !== "true") work(parts, submit, send);
  });
  return made;
}

/** The button stays focusable while it works, so that the keyboard does not lose its place. */
async function work(parts, submit, send) {
  submit.setAttribute("aria-disabled", "true");
  parts.fields.forEach((field) => field.clear());
  parts.fields.forEach((field) => field.conceal());
  parts.place.replaceChildren();
  try {
    await send(filledIn(parts.fields));
  } catch (problem) {
    report(parts, problem);
  } finally {
    submit.removeAttribute("aria-disabled");
  }
}

/** What is empty is left out: then the API says that it is missing and what belongs there. */
function filledIn(fields) {
  return Object.fromEntries(fields.map((f) => [f.name, f.value()]).filter(([, value]) => value !== ""));
}

function report(parts, problem) {
  if (!(problem instanceof Problem)) throw problem;
  const placed = faults(parts, problem).filter(([field]) => field !== undefined);
  placed.forEach(([field, text]) => field.fail(text));
  if (placed.length > 0) return inOrder(parts.fields, placed).focus();
  const box = notice("problem", problem.title, element("p", {}, ...prose(problem.detail)), ...parts.advise(problem));
  parts.place.replaceChildren(box);
  box.focus();
}

/** Pairs of field and sentence; the field is undefined where the form has none. */
function faults({ fields, blame }, problem) {
  const named = (name) => fields.find((field) => field.name === name);
  const blamed = named(blame(problem));
  if (blamed !== undefined) return [[blamed, `${problem.title}. ${problem.detail}`]];
  return problem.errors.map(({ pointer, detail }) => {
    const field = fields.find(({ name }) => pointer === `/${name}` || pointer.startsWith(`/${name}/`));
    return [field, sentence(`${field?.label} ${detail}`)];
  });
}

function sentence(text) {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

function inOrder(fields, placed) {
  return fields.find((field) => placed.some(([failed]) => failed === field));
}
