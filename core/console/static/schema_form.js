// Fields drawn from the API's description: one kind of control for each kind of value, the description as help, and
// what the control says as the API takes it.

import { area, around, choice, described, field, password, tick } from "./form.js";
import { help, kindOf, named, words } from "./describe.js";
import { element } from "./ui.js";

/**
 * The field of a property. `value` is what it says now, undefined for a new object; `choices` are the objects that a
 * reference may name. Besides what every field has, `said()` is its value for the API: undefined means "left out".
 */
export function fieldOf(name, property, { value, required = false, choices = [], label = words(name) }) {
  const { kind, nullable, inner } = kindOf(property);
  const begun = value === undefined ? property.default : value;
  const parts = { name, label: required ? `${label} (required)` : label, help: about(label, property), begun, nullable, required };
  const made = MAKERS[kind]?.({ ...parts, inner, choices }) ?? text(parts);
  return { ...made, property: name, label };
}

/** The help; none where it only says the label once more. */
function about(label, property) {
  const text = help(property);
  return text.toLowerCase() === `${label.toLowerCase()}.` ? "" : text;
}

const MAKERS = {
  boolean: yesOrNo,
  choice: among,
  reference: oneOf,
  integer: number,
  array: list,
  json,
  secret,
  string: text,
};

function yesOrNo({ name, label, help: words_, begun }) {
  const made = tick({ name, label, help: words_, checked: begun === true });
  return { ...made, said: made.value };
}

function among({ name, label, help: words_, begun, inner, nullable, required }) {
  const none = nullable || (!required && begun === undefined) ? [["", "None"]] : [];
  const choices = [...none, ...inner.enum.map((value) => [value, words(value)])];
  const made = choice({ name, label, help: words_, choices, chosen: begun });
  return { ...made, said: () => given(made.value(), nullable) };
}

function oneOf({ name, label, help: words_, begun, choices, nullable, required }) {
  const known = choices.map((object) => [object.id, named(object)]);
  const lost = begun && !known.some(([id]) => id === begun) ? [[begun, begun]] : [];
  const none = required ? [] : [["", "None"]];
  const made = choice({ name, label, help: words_, choices: [...none, ...lost, ...known], chosen: begun });
  return { ...made, said: () => given(made.value(), nullable) };
}

function given(value, nullable) {
  if (value !== "") return value;
  return nullable ? null : undefined;
}

/** What is no number goes as it was typed: the API says what belongs there. */
function number({ name, label, help: words_, begun, inner }) {
  const limits = `${inner.minimum} to ${inner.maximum}`;
  const limited = inner.maximum < 1e9 ? `${words_} ${limits}.`.trim() : words_;
  const value = begun === undefined ? "" : String(begun);
  const made = field({ name, label, help: limited, value, inputmode: "numeric", autocomplete: "off" });
  const said = () => (made.value().trim() === "" ? undefined : numeric(made.value().trim()));
  return { ...made, said };
}

function numeric(typed) {
  return /^-?\d{1,15}$/.test(typed) ? Number(typed) : typed;
}

function list({ name, label, help: words_, begun, inner, nullable }) {
  const separated = `${words_} With commas between them.`;
  const isNumber = inner.items?.type === "integer";
  const read = (typed) => {
    const parts = typed.split(",").map((part) => part.trim());
    return parts.filter((part) => part !== "").map((part) => (isNumber ? numeric(part) : part));
  };
  return optional({ name, label, help: separated, begun, nullable }, (begun ?? []).join(", "), read);
}

/** What is never given back: left empty, it stays as it is. */
function secret({ name, label, help: words_ }) {
  const made = password({ name, label, help: words_, autocomplete: "new-password" });
  return { ...made, said: () => (made.value() === "" ? undefined : made.value()) };
}

function text({ name, label, help: words_, begun, nullable, inner = {} }) {
  const example = inner.format === "date-time" ? " Such as `2027-01-31T18:00:00Z`, in UTC." : "";
  return optional({ name, label, help: words_ + example, begun, nullable }, begun ?? "", (typed) => typed);
}

/** A text field; where null is something else than empty, a box beside it says so. Typing means that it is given. */
function optional({ name, label, help: words_, begun, nullable }, value, read) {
  const typing = { type: "text", autocomplete: "off", spellcheck: "false", value };
  const input = element("input", { ...typing, ...described(name, words_) });
  if (!nullable) return { ...around(name, label, words_, input), said: () => read(input.value) };
  const box = element("input", { type: "checkbox", id: `${name}-unset`, checked: begun === null || begun === undefined });
  input.addEventListener("input", () => {
    box.checked = false;
  });
  const beside = element("span", { class: "switch" }, box, element("label", { for: box.id }, "Leave it out", element("span", { class: "unseen" }, `: ${label}`)));
  return { ...around(name, label, words_, input, beside), said: () => (box.checked ? null : read(input.value)) };
}

function json({ name, label, help: words_, begun }) {
  const value = begun === null || begun === undefined ? "" : JSON.stringify(begun, null, 2);
  const made = area({ name, label, help: `${words_} As JSON.`, value, rows: "4" });
  const said = () => {
    if (made.value().trim() === "") return null;
    try {
      return JSON.parse(made.value());
    } catch {
      return made.value();
    }
  };
  return { ...made, said };
}
