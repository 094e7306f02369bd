// Every page, in light and dark and on a phone: nothing that shuts somebody out, nothing wider than the window.
// node pages.mjs BASE_URL NAME PASSWORD, against an appliance that packaging/rehearsal has filled.

import { THREE_LOOKS, insist, tellStory } from "./browser.mjs";

const [base, name, password] = process.argv.slice(2);

/** Address and heading. */
const PAGES = [
  ["#/enterprises", "Enterprises"],
  ["#/enterprises/Demo-Paris", "Enterprise Demo Paris"],
  ["#/pbx-nodes", "PBX nodes"],
  ["#/pbx-nodes/new", "New PBX node"],
  ["#/accounts", "Accounts"],
  ["#/accounts/import", "Import accounts"],
  ["#/directory", "Corporate directory"],
  ["#/profiles", "Profiles"],
  ["#/trusted-servers", "Trusted servers"],
  ["#/hooks", "Hooks"],
  ["#/hooks/csta_ports", "csta_ports"],
  ["#/checks", "Checks"],
  ["#/checks/csta_ports.ports", "csta_ports.ports"],
  ["#/jobs", "Jobs"],
  ["#/schedules", "Schedules"],
  ["#/schedules/new", "New schedule"],
  ["#/audit", "Audit"],
  ["#/audit/1", "Change 1"],
  ["#/settings", "Settings"],
  ["#/settings/dialing.prefix_by_node", "dialing.prefix_by_node"],
  ["#/settings/session.idle_minutes", "session.idle_minutes"],
  ["#/admins", "Administrators"],
  ["#/admins/new", "New administrator"],
  ["#/tokens", "API tokens"],
  ["#/tokens/new", "New token"],
];

const look = ([address, heading]) => [
  `${address} is fit`,
  async (visitor) => {
    await visitor.visit(address, heading);
    insist(await visitor.isAt("main h1"), `the focus did not move to ${heading}`);
    await visitor.insistFit(address, THREE_LOOKS);
  },
];

/** On a phone the navigation is folded away until it is asked for. */
async function unfolds(visitor) {
  await visitor.page.setViewportSize({ width: 360, height: 740 });
  insist(await visitor.page.locator("nav").isHidden(), "the navigation covers the phone");
  await visitor.press("header .menu");
  insist(await visitor.page.locator("nav a[href='#/jobs']").isVisible(), "the menu does not unfold");
  await visitor.insistAccessible("menu unfolded");
  await visitor.press("nav a[href='#/jobs']");
  await visitor.see("Jobs");
  insist(await visitor.page.locator("nav").isHidden(), "the navigation stays in the way");
}

await tellStory(base, [
  ["somebody signs in", (visitor) => visitor.signIn(name, password)],
  ...PAGES.map(look),
  ["on a phone the navigation is folded away", unfolds],
]);
