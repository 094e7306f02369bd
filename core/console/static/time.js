// Times as people read them: in the site's time zone where somebody has set one, else in the browser's; UTC in the
// title. The only file that formats times.

import { get } from "./api.js";
import * as session from "./session.js";
import { element } from "./ui.js";

let zone;

/** Asks for the site's time zone, once. Without the right to know it, times are the browser's. */
export async function learnZone() {
  if (zone !== undefined || !session.may("settings:read")) return;
  try {
    const { value, is_set: isSet } = await get("/settings/site.time_zone");
    zone = isSet ? value : null;
  } catch (problem) {
    console.debug("the site's time zone is not known:", problem.message);
  }
}

/** Forgets the zone, so that it is asked for again: somebody has set another. */
export function forgetZone() {
  zone = undefined;
}

/** An instant as RFC 3339 has it, for people; a dash where there is none. */
export function when(text) {
  if (text === null || text === undefined) return element("span", {}, "–");
  const shown = new Date(text).toLocaleString(undefined, {
    dateStyle: "medium",
    timeStyle: "medium",
    timeZone: zone ?? undefined,
  });
  return element("time", { datetime: text, title: `${text.replace("T", " ").replace(/(\.\d+)?Z$/, "")} UTC` }, shown);
}

/** Seconds as people say them: "3 minutes". */
export function lasting(seconds) {
  const units = [
    [86_400, "day"],
    [3600, "hour"],
    [60, "minute"],
  ];
  const [size, name] = units.find(([length]) => seconds >= length) ?? [1, "second"];
  const count = Math.floor(seconds / size);
  return `${count} ${name}${count === 1 ? "" : "s"}`;
}
