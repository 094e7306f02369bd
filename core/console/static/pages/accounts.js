// Accounts: the people of an enterprise; their photos, presence and passwords, import and export of lists, and Import Users.

import { asProblem, call, post } from "../api.js";
import { confirm } from "../confirm.js";
import { password } from "../password.js";
import { photo } from "../photo.js";
import { presence } from "../presence.js";
import { resource } from "../resource.js";
import * as session from "../session.js";
import { element } from "../ui.js";
import { drawImport } from "../import.js";

const MOST_LINES = 50_000;

export const { title, right, draw } = resource({
  name: "accounts",
  shape: "Account",
  one: "account",
  title: "Accounts",
  lead: "The people of an enterprise and their telephones.",
  columns: ["last_name", "first_name", "login_id", "extension", "pbx_node", "profile", "origin", "deployed"],
  headings: { teams_status: "Microsoft Teams status" },
  perEnterprise: true,
  searchable: true,
  actions,
  routes: { import: drawImport },
  sections: async (context, account) => [
    ...photo(context, account),
    ...(await presence(context, account)),
    ...password(context, account),
  ],
});

function actions(context, enterprise) {
  const all = [element("button", { type: "button", "data-does": "export", on: { click: () => save(context, enterprise) } }, "Export CSV")];
  if (!session.may("accounts:write")) return all;
  const users = () => importUsers(context, enterprise);
  return [
    element("a", { class: "button", href: "#/accounts/import", "data-does": "import" }, "Import CSV"),
    ...all,
    element("button", { type: "button", "data-does": "import-users", on: { click: users } }, "Import Users"),
  ];
}

async function importUsers(context, enterprise) {
  const text = `Every account of ${enterprise} that is not in use yet is deployed: it takes part in what the plugins do with users.`;
  if (!(await confirm({ title: "Import Users?", text, button: "Import Users" }))) return;
  try {
    const job = await post("/accounts:import-users", { enterprise });
    context.go(`#/jobs/${job.id}`, { state: "ok", text: "Import Users has been asked for." });
  } catch (cause) {
    refused(context, cause);
  }
}

/** All pages of the export as one file; the first line is the same on each. */
async function save(context, enterprise) {
  try {
    const parts = [];
    let path = `/accounts/export?limit=${MOST_LINES}&enterprise=${encodeURIComponent(enterprise)}`;
    while (path !== null) {
      const { text, link } = await call("GET", path);
      parts.push(parts.length === 0 ? text : text.slice(text.indexOf("\n") + 1));
      path = /<\/api\/v1([^>]+)>; rel="next"/.exec(link)?.[1] ?? null;
    }
    const file = URL.createObjectURL(new Blob(parts, { type: "text/csv" }));
    element("a", { href: file, download: `accounts-${enterprise}.csv` }).click();
    URL.revokeObjectURL(file);
  } catch (cause) {
    refused(context, cause);
  }
}

function refused(context, cause) {
  const { title: what, detail } = asProblem(cause);
  context.go("#/accounts", { state: "problem", text: `${what}. ${detail}` });
}
