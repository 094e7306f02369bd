// The password with which an account's user signs in to chat: whether there is one, setting it, taking it away. What it
// is nobody can read, so it is never shown.

import { asProblem, call, get } from "./api.js";
import { confirm } from "./confirm.js";
import { named } from "./describe.js";
import { form, password as passwordField } from "./form.js";
import * as session from "./session.js";
import { when } from "./time.js";
import { element, paragraph, section } from "./ui.js";

/** The section of an account's page. A peer's user signs in at the peer. */
export function password(context, account) {
  if (account.peer !== null) return [];
  const parts = [element("p", {}, ...told(account))];
  if (session.may("accounts:password")) parts.push(setting(context, account));
  if (session.may("revisions:read")) {
    const query = new URLSearchParams({ kind: "accounts/password", object: account.id });
    parts.push(element("p", {}, element("a", { href: `#/audit?${query}` }, "History of the password")));
  }
  return [section("Signing in to chat", ...parts)];
}

function told({ can_sign_in: how, password_changed_at: since, deployed }) {
  if (how === "directory") return ["The user signs in with the password of the directory that the account came from."];
  if (since === null) return ["The user cannot sign in: there is no password."];
  if (!deployed) return ["The account is not deployed, so the user cannot sign in. Its password was set ", when(since), "."];
  return ["The user signs in with the password that was set ", when(since), "."];
}

function setting(context, account) {
  const path = `/accounts/${encodeURIComponent(account.id)}`;
  const etag = `"${account.revision}"`;
  const isFirst = account.password_changed_at === null;
  const again = (message) => context.go(`#${path}`, message);
  const send = async (body) => {
    await call("PUT", `${path}/password`, { body, etag });
    // Only a first password can be taken back: none is kept that was there before.
    const undo = isFirst ? (await get(path)).revision : null;
    again({ state: "ok", text: `${named(account)} has a new password.`, undo });
  };
  const help = "8 to 256 characters. Tell it to the user: it is never shown again.";
  const fields = [passwordField({ name: "password", label: "New password", help, autocomplete: "new-password" })];
  const others = isFirst ? [] : [element("button", { type: "button", "data-does": "remove-password", on: { click: () => remove() } }, "Remove the password")];
  const remove = async () => {
    const text = "The user cannot sign in with it any more. It cannot be put back; a new one can be set.";
    if (!(await confirm({ title: `Remove the password of ${named(account)}?`, text, button: "Remove" }))) return;
    try {
      await call("DELETE", `${path}/password`, { etag });
      again({ state: "ok", text: `${named(account)} has no password here any more.` });
    } catch (cause) {
      const { title, detail } = asProblem(cause);
      again({ state: "problem", text: `${title}. ${detail}` });
    }
  };
  const overtaken = () => [paragraph("Somebody changed the account meanwhile. Load the page again, then set the password.")];
  const advise = (problem) => (problem.status === 412 ? overtaken() : []);
  return form({ fields, button: "Set the password", send, others, advise });
}
