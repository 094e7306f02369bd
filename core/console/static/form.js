// Forms: labelled fields with help, the API's errors next to the field that has them, focus on the first
// one. Rules are the API's: a form sends what was typed and shows what the API says about it.

import { asProblem } from "./api.js";
import { element, icon, notice, paragraph, prose } from "./ui.js";

const OVERTAKEN =
  "Somebody changed it while you did. Load the page again to see how it is now; what you typed is lost then.";

/**
 * A field: `{name, label, node, value(), fail(text), clear(), focus()}`. `help` is text with `code`;
 * everything else goes to the input as attributes.
 */
export function field({ name, label, help = "", ...attributes }) {
  return around(
    name,
    label,
    help,
    element("input", { type: "text", ...described(name, help), ...attributes }),
  );
}

/** A field with fixed answers: `choices` are `[value, text]` pairs. */
export function choice({ name, label, help = "", choices, chosen = null }) {
  const options = choices.map(([value, text]) => element("option", { value, selected: value === chosen }, text));
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
  const button = element(
    "button",
    { type: "button", class: "quiet", "aria-pressed": "false", on: { click: flip } },
    `Show ${label.toLowerCase()}`,
  );
  return { ...around(name, label, help, input, button), conceal: () => show(false) };
}

/** A field that is on or off. */
export function tick({ name, label, help = "", checked = false, disabled = false }) {
  const input = element("input", { type: "checkbox", checked, disabled, ...described(name, help) });
  const made = around(name, label, help, input);
  made.node.classList.add("tick");
  return { ...made, value: () => input.checked };
}

/** A field of several lines; everything else goes to it as attributes. */
export function area({ name, label, help = "", value = "", ...attributes }) {
  const input = element("textarea", { spellcheck: "false", autocomplete: "off", ...described(name, help), ...attributes });
  input.value = value;
  return { ...around(name, label, help, input), input };
}

/** What ties an input to its help and its error. */
export function described(name, help) {
  const parts = help === "" ? [`${name}-error`] : [`${name}-help`, `${name}-error`];
  return { id: name, name, "aria-describedby": parts.join(" ") };
}

/** A field around an input that is there already; nodes `beside` stand next to it. */
export function around(name, label, help, input, ...beside) {
  const error = element("p", { class: "error", id: `${name}-error`, hidden: true });
  const parts = [element("label", { for: name }, label)];
  if (help !== "") parts.push(paragraph(help, { class: "help", id: `${name}-help` }));
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
  return {
    name,
    label,
    node,
    fail,
    clear,
    conceal: () => {},
    value: () => input.value,
    focus: () => input.focus(),
  };
}

/**
 * A form. `send(values)` does the work with what was filled in, by field name. `blame(problem)` returns
 * the name of a field and a sentence to show there, for a problem that names no field by itself, or null.
 * `advise(problem)` returns nodes that say what to do next. `others` are nodes beside the button. `body` are the nodes
 * in which the fields stand, where they do not simply follow each other.
 */
export function form({
  fields,
  button,
  send,
  blame = () => null,
  advise = () => [],
  others = [],
  body = null,
}) {
  const place = element("div", { class: "outcome" });
  const submit = element("button", { type: "submit", class: "primary" }, button);
  const made = element(
    "form",
    { novalidate: true, autocomplete: "on" },
    place,
    ...(body ?? fields.map((f) => f.node)),
    others.length === 0 ? submit : element("div", { class: "actions" }, submit, ...others),
  );
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
  } catch (cause) {
    report(parts, asProblem(cause));
  } finally {
    submit.removeAttribute("aria-disabled");
  }
}

/** What is empty is left out: then the API says that it is missing and what belongs there. `a/b` is b within a. */
function filledIn(fields) {
  const values = {};
  for (const field of fields) {
    const value = field.value();
    if (value === "") continue;
    const path = field.name.split("/");
    const inner = path.slice(0, -1).reduce((object, step) => (object[step] ??= {}), values);
    inner[path.at(-1)] = value;
  }
  return values;
}

function report(parts, problem) {
  const found = faults(parts, problem);
  const placed = found.filter(([field]) => field !== undefined);
  placed.forEach(([field, text]) => field.fail(text));
  if (placed.length > 0 && placed.length === found.length) return inOrder(parts.fields, placed).focus();
  const others = found.filter(([field]) => field === undefined).map(([, text]) => text);
  const said = others.length === 0 ? [problem.detail] : others;
  const box = notice(
    "problem",
    problem.title,
    ...said.map((text) => paragraph(text)),
    ...advice(parts, problem),
  );
  parts.place.replaceChildren(box);
  box.focus();
}

/** Pairs of field and sentence; the field is undefined where the form has none. */
function faults({ fields, blame }, problem) {
  const blamed = blame(problem);
  if (blamed !== null) return [[fields.find(({ name }) => name === blamed[0]), blamed[1]]];
  return problem.errors.map(({ pointer, detail }) => {
    const field = fields.find(({ name }) => pointer === `/${name}` || pointer.startsWith(`/${name}/`));
    return [field, sentence(`${field?.label ?? pointer} ${withoutName(pointer, detail)}`)];
  });
}

/** What to do next. A page that says nothing of a change that was overtaken leaves that to this. */
function advice(parts, problem) {
  const given = parts.advise(problem);
  return given.length === 0 && problem.status === 412 ? [paragraph(OVERTAKEN)] : given;
}

/** Some sentences begin with the field's name in the API, which people do not know. */
function withoutName(pointer, detail) {
  const name = `${pointer.split("/").at(-1)} `;
  return detail.startsWith(name) ? detail.slice(name.length) : detail;
}

function sentence(text) {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

function inOrder(fields, placed) {
  return fields.find((field) => placed.some(([failed]) => failed === field));
}
