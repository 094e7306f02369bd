// The API's own description (OpenAPI) as the console uses it: which fields an object has, and how names read for
// people. Read once; leaves out what the fields are drawn as.

import { get } from "./api.js";
import { when } from "./time.js";
import { element } from "./ui.js";

let description = null;

/** Words that are not written as they stand in names. */
const WORDS = {
  "accounts/password": "passwords of accounts",
  csta: "CSTA",
  email: "e-mail",
  http: "HTTP",
  id: "ID",
  im: "IM",
  mivoice: "MiVoice",
  mivoice_5000: "MiVoice 5000",
  mivoice_business: "MiVoice Business",
  mx_one: "MX-ONE",
  ntp: "NTP",
  pbx: "PBX",
  uc: "UC",
  x25: "X.25",
  xmpp: "XMPP",
};

/** A schema of the description by its name. */
export async function schema(name) {
  description ??= get("/openapi.json");
  try {
    return (await description).components.schemas[name];
  } catch (problem) {
    description = null;
    throw problem;
  }
}

/** A name such as `csta_ports` as people read it: "CSTA ports". */
export function words(name) {
  if (WORDS[name] !== undefined) return capital(WORDS[name]);
  return capital(
    name
      .split(/[_-]/)
      .map((part) => WORDS[part] ?? part)
      .join(" "),
  );
}

function capital(text) {
  return text === "" ? "" : `${text[0].toUpperCase()}${text.slice(1)}`;
}

/** The description of a field without what only matters to whoever reads its source. */
export function help({ description: text = "" }) {
  return text.replaceAll(/ \(seeds? [^)]*\)/g, "").replace("left out or null:", "left out:").replaceAll("null:", "left out:");
}

/** What kind of field a schema means: `{kind, nullable, inner, reference}`. */
export function kindOf(given) {
  const several = given.anyOf ?? [given];
  const nullable = several.some(({ type }) => type === "null");
  // An optional text is "empty, or by the rule": one field all the same.
  const inner = several.filter(({ type, maxLength }) => type !== "null" && maxLength !== 0)[0] ?? {};
  const reference = inner["x-reference"] ?? null;
  const isChoice = inner.enum !== undefined;
  const plain = given.writeOnly ? "secret" : inner.type === undefined ? "json" : inner.type;
  return { kind: reference !== null ? "reference" : isChoice ? "choice" : plain, nullable, inner, reference };
}

/** What people call an object. */
export function named(object) {
  const person = [object.first_name, object.last_name].filter((part) => part).join(" ");
  return object.name || person || object.description || object.id;
}

/** A value as text or node; `names` tells what references mean, by id. */
export function shown(property, value, names = new Map()) {
  const { kind, inner } = kindOf(property);
  if (value === null || value === undefined || value === "") return "–";
  if (inner.format === "date-time") return when(value);
  if (kind === "boolean") return value ? "Yes" : "No";
  if (kind === "choice") return words(value);
  if (kind === "reference") return names.get(value) ?? value;
  if (kind === "array") return value.length === 0 ? "–" : value.join(", ");
  return typeof value === "object" ? element("code", {}, JSON.stringify(value)) : String(value);
}
