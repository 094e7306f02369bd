// Further kinds of fields, for forms that change what is there already: they begin with the current value and send
// it in the API's own type. Leaves out what all fields share, which is form.js.

import { around, choice, described, field } from "./form.js";
import { element, paragraph } from "./ui.js";

/** A whole number. What is no number is sent as it was typed, and the API says what is wrong. */
export function number({ value, ...rest }) {
  const made = field({ inputmode: "numeric", autocomplete: "off", value: String(value ?? ""), ...rest });
  const typed = () => made.value().trim();
  return { ...made, value: () => (/^-?\d{1,15}$/.test(typed()) ? Number(typed()) : typed()) };
}

/** Yes or no, as a box. */
export function flag({ name, label, help = "", checked = false }) {
  const input = element("input", { type: "checkbox", checked, ...described(name, help) });
  return { ...around(name, label, help, input), value: () => input.checked };
}

/** Several words, such as host names, separated by commas or spaces. An empty field is an empty list. */
export function words({ value = [], ...rest }) {
  const made = field({ autocomplete: "off", value: value.join(", "), ...rest });
  return { ...made, value: () => made.value().split(/[\s,]+/).filter((word) => word !== "") };
}

/** Text of several lines. */
export function lines({ name, label, help = "", value = "" }) {
  const input = element("textarea", { rows: "5", spellcheck: "false", ...described(name, help) }, value);
  return around(name, label, help, input);
}

/** A date, YYYY-MM-DD, or nothing. */
export function date({ value, ...rest }) {
  return field({ type: "date", value: value ?? "", ...rest });
}

/**
 * A secret that is never shown: `since` says since when there is one, null that there is none. Left empty it stays
 * as it is; it is forgotten where that is chosen.
 */
export function secret({ name, label, help = "", since, long = false }) {
  const state = since === null ? "None is set." : `Set since ${new Date(since).toLocaleString()}; never shown again.`;
  const typing = { spellcheck: "false", autocomplete: "off", autocapitalize: "none", ...described(name, "help") };
  const input = long
    ? element("textarea", { rows: "4", ...typing })
    : element("input", { type: "password", ...typing, autocomplete: "new-password" });
  const told = [help, state].filter((words) => words !== "").join(" ");
  if (since === null) return around(name, label, told, input);
  const forget = element("input", { type: "checkbox", id: `${name}-forget` });
  const box = element("div", { class: "switch" }, forget, element("label", { for: `${name}-forget` }, "Forget it"));
  const made = around(name, label, told, input, box);
  return { ...made, value: () => (forget.checked ? null : input.value) };
}

/** A field of which people choose one, with what is chosen now. */
export function chosen({ value, ...rest }) {
  const made = choice(rest);
  const select = made.node.querySelector("select");
  select.value = value ?? "";
  return { ...made, onChange: (act) => select.addEventListener("change", () => act(select.value)) };
}

/** Fields with a heading of their own, inside a form. */
export function group(title, help, ...fields) {
  const legend = element("legend", {}, title);
  const notes = help === "" ? [] : [paragraph(help, { class: "help" })];
  return { node: element("fieldset", {}, legend, ...notes, ...fields.map((f) => f.node)), fields };
}
