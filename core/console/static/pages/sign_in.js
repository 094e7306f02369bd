// Signing in.

import { field, form, password } from "../form.js";
import * as session from "../session.js";
import { element, greeting, paragraph } from "../ui.js";

export const title = "Sign in";

/** The page. */
export async function draw(context) {
  const { site, version } = context.status;
  const where = site ? `Jackfield at ${site}, version ${version}` : `Jackfield version ${version}`;
  return [
    element(
      "div",
      { class: "narrow" },
      ...greeting(context.message),
      element(
        "section",
        { class: "panel" },
        element("h1", {}, title),
        element("p", { class: "help" }, where),
        entry(context),
      ),
    ),
  ];
}

function entry(context) {
  const fields = [
    field({
      name: "name",
      label: "Name",
      autocomplete: "username",
      autocapitalize: "none",
      spellcheck: "false",
    }),
    password({ name: "password", label: "Password", autocomplete: "current-password" }),
  ];
  return form({ fields, button: "Sign in", send: (values) => enter(context, values), blame, advise });
}

async function enter(context, { name, password: secret }) {
  await session.signIn(name, secret);
  context.go(location.hash.startsWith("#/sign-in") || location.hash === "" ? "#/overview" : location.hash);
}

function blame(problem) {
  return problem.is("access/bad_credentials") ? ["password", `${problem.title}. ${problem.detail}`] : null;
}

function advise(problem) {
  if (problem.status !== 429) return [];
  const way =
    "If it is lost, `jackfield admin password NAME --password-stdin` on the machine sets a new one.";
  return [paragraph(way)];
}
