// What greets after a change, with the way back: a button that undoes the revision that the change was recorded as.

import { asProblem, get, post } from "./api.js";
import * as session from "./session.js";
import { element, notice } from "./ui.js";

/**
 * What greets on a page. A message `{state, text, undo, then}` whose `undo` is the number of a revision offers to put
 * that back, and leads to the address `then` afterwards.
 */
export function greet(context) {
  const { message } = context;
  if (message === null) return [];
  if (!message.undo || !session.may("revisions:undo")) return [notice(message.state, message.text)];
  const act = () => undo(message.undo, context, message.then ?? location.hash);
  const button = element("button", { type: "button", "data-does": "undo", on: { click: act } }, "Undo");
  return [notice(message.state, message.text, button)];
}

/** Puts a revision back and says how that went. */
export async function undo(n, context, then) {
  try {
    const done = await post(`/revisions/${n}:undo`);
    const text = `Undone. Change ${n} is put back by change ${done.n}.`;
    context.go(then, { state: "ok", text });
  } catch (cause) {
    const { title, detail } = asProblem(cause);
    context.go(location.hash, { state: "problem", text: `Not undone. ${title}. ${detail}` });
  }
}

/** The number of the newest revision of an object, or null where it cannot be told. */
export async function newest(kind, object) {
  try {
    const { items } = await get(`/revisions?kind=${kind}&object=${encodeURIComponent(object)}&limit=1`);
    return items[0]?.n ?? null;
  } catch {
    return null;
  }
}
