// The story of an administrator whose site is MiCloud Flex on GCP (seeds 000 and 002): what is there is looked at and taken
// away, nothing is offered that would be refused, and each page says why.
// node deployment.mjs BASE_URL NAME PASSWORD, against such an appliance with the plugins federation and peering, federation
// switched on with the row ocs.com, and the sister appliance Nice.

import { THREE_LOOKS, insist, tellStory } from "./browser.mjs";

const [base, name, password] = process.argv.slice(2);
const REASON = "is not supported in the MiCloud Flex on GCP (Google Cloud Platform) environment";

async function readsWhy(visitor) {
  await visitor.signIn(name, password);
  await visitor.press("nav a[href='#/plugin/federation']");
  await visitor.see("Federation");
  await visitor.sees("main > .notice", "Not supported here");
  await visitor.sees("main > .notice", `Federation ${REASON}`);
  const offered = await visitor.page.locator("main button").allInnerTexts();
  insist(offered.join(", ") === "Disable Federation, Delete", `offered is ${offered.join(", ")}`);
  await visitor.insistFit("federation not supported", THREE_LOOKS);
}

async function takesAway(visitor) {
  await visitor.confirmed("button[aria-label='Delete Server ocs.com']");
  await visitor.greets("ocs.com is deleted.");
  await visitor.confirmed("main .actions button");
  await visitor.greets("Federation is disabled.");
  await visitor.sees("main > .notice", `Federation ${REASON}`);
  insist((await visitor.page.locator("main button").count()) === 0, "something is offered that would be refused");
}

async function readsPeers(visitor) {
  await visitor.press("nav a[href='#/plugin/peering']");
  await visitor.see("Peering");
  await visitor.sees("main > .notice", `Peering ${REASON}`);
  await visitor.sees("tbody tr", "Not supported here");
  await visitor.insistFit("peering not supported", THREE_LOOKS);
}

await tellStory(base, [
  ["federation says why it does not run, and offers to take away only", readsWhy],
  ["the row and the switch are taken away", takesAway],
  ["peering says the same of itself and of its peer", readsPeers],
]);
