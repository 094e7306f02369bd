// Who is signed in. Knows the API's session and nothing about pages. The password goes through to the API
// and is kept nowhere; the cookie is out of reach of scripts.

import { Problem, get, post, remove, useCsrf } from "./api.js";

let session = null;

/** The session: `{who, role, rights, csrf}`, or null. */
export function current() {
  return session;
}

/** Whether whoever is signed in holds a right such as "accounts:write". */
export function may(right) {
  return session !== null && session.rights.includes(right);
}

/** Takes up the session that the browser's cookie belongs to, if there is one. */
export async function resume() {
  try {
    begin(await get("/session"));
  } catch (problem) {
    if (!(problem instanceof Problem && problem.status === 401)) throw problem;
    forget();
  }
}

/** Signs in. */
export async function signIn(name, password) {
  begin(await post("/session", { name, password }));
}

/** Signs out; a session that is over already counts as signed out. */
export async function signOut() {
  try {
    await remove("/session");
  } catch (problem) {
    if (problem.status !== 401) throw problem;
  }
  forget();
}

/** Forgets a session that is over. */
export function forget() {
  session = null;
  useCsrf(null);
}

function begin(begun) {
  session = begun;
  useCsrf(begun.csrf);
}
