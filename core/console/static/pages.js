// The pages for whoever is signed in, in the groups of the navigation. A page has `title`, `draw(context)` and, where
// not everybody may see it, the `right` that it needs. Pages of plugins join the group of connections.

import * as session from "./session.js";
import * as accounts from "./pages/accounts.js";
import * as admins from "./pages/admins.js";
import * as audit from "./pages/audit.js";
import * as checks from "./pages/checks.js";
import * as dialing from "./pages/dialing.js";
import * as directory from "./pages/directory.js";
import * as enterprises from "./pages/enterprises.js";
import * as hooks from "./pages/hooks.js";
import * as jobs from "./pages/jobs.js";
import * as nodes from "./pages/pbx_nodes.js";
import * as overview from "./pages/overview.js";
import * as plugins from "./pages/plugins.js";
import * as profiles from "./pages/profiles.js";
import * as schedules from "./pages/schedules.js";
import * as settings from "./pages/settings.js";
import * as tokens from "./pages/tokens.js";
import * as trusted from "./pages/trusted_servers.js";

/** Where nobody asked for another page. */
export const FIRST = "#/overview";

const GROUPS = [
  ["", [[FIRST, overview]]],
  [
    "Site",
    [
      ["#/enterprises", enterprises],
      ["#/pbx-nodes", nodes],
      ["#/accounts", accounts],
      ["#/directory", directory],
      ["#/profiles", profiles],
      ["#/trusted-servers", trusted],
    ],
  ],
  ["Connections", []],
  [
    "Dialing and checks",
    [
      ["#/dialing", dialing],
      ["#/hooks", hooks],
      ["#/checks", checks],
    ],
  ],
  [
    "Appliance",
    [
      ["#/plugins", plugins],
      ["#/jobs", jobs],
      ["#/schedules", schedules],
      ["#/audit", audit],
      ["#/settings", settings],
      ["#/admins", admins],
      ["#/tokens", tokens],
    ],
  ],
];

/** The groups that the person may see, `[name, [[address, page], …]]`, with those that plugins bring. */
export function groups(brought) {
  const mayOpen = ([, page]) => page.right === undefined || session.may(page.right);
  const all = GROUPS.map(([name, pages]) => [name, name === "Connections" ? [...brought] : pages.filter(mayOpen)]);
  return all.filter(([, pages]) => pages.length > 0);
}

/** The page that an address means, `{address, page, rest, query}`: what follows the page's own address is its own. */
export function find(shown, hash) {
  const [path, query = ""] = hash.split("?");
  const all = shown.flatMap(([, pages]) => pages);
  const fits = ([address]) => path === address || path.startsWith(`${address}/`);
  const [address, page] = all.find(fits) ?? [FIRST, overview];
  const rest = path.startsWith(`${address}/`) ? path.slice(address.length + 1).split("/").map(plain) : [];
  return { address, page, rest, query: new URLSearchParams(query) };
}

/** Addresses that somebody typed may be wrongly encoded. */
function plain(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
