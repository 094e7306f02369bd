// The stories of an administrator who makes a sister appliance a peer, keeps its directory, and finds out why it is not
// connected, by keyboard only.
// node sisters.mjs BASE_URL NAME PASSWORD STORY [CODE], against an appliance with the plugin peering. STORY is `accept`, with
// the code of a sister that has the enterprises `south` and `second` and five people; `held`, once most of them are gone
// over there; or `mismatch`. Exit code 1 with one sentence when something is not as it should be.

import { THREE_LOOKS, insist, tellStory } from "./browser.mjs";

const [base, name, password, which, code] = process.argv.slice(2);

const STORIES = {
  accept: [
    ["a code that was not copied whole is refused at its field", refusesCode],
    ["with the right one the sister is a peer, and soon connected, while the page is looked at", accepts],
    ["the enterprises over there are listed to select from", selects],
    ["Sync Now shows how far it is and what came of it; a trial changes nothing", synchronizes],
    ["the table of peers says how it does", lists],
  ],
  held: [["a run that would remove many waits for an answer, which is given", answers]],
  mismatch: [
    ["a hostname that the certificate lacks is told with what was expected and found", mismatches],
    ["a peer that was deleted is told of with the way back", deletes],
  ],
};

const named = (field) => `[name="${field}"]`;
const SECTION = "section[aria-labelledby=section-connection]";

async function opens(visitor) {
  await visitor.signIn(name, password);
  await visitor.press("nav a[href='#/plugin/peering']");
  await visitor.see("Peering");
}

async function refusesCode(visitor) {
  await opens(visitor);
  await visitor.sees("main", "There is no peer yet.");
  await visitor.sees("main", "Closed: it opens while somebody is invited or a peer");
  await visitor.insistFit("sisters none", THREE_LOOKS);
  await visitor.press("main a[href='#/plugin/peering/accept']");
  await visitor.see("Accept an invitation");
  await visitor.press("main form > button");
  await visitor.insistErrorAt("code", "as the other administrator sent it; it is missing");
  await visitor.fill(named("code"), code.slice(0, -3));
  await visitor.press("main form > button");
  await visitor.insistErrorAt("code", "was not copied whole");
  await visitor.insistFit("sister code refused", THREE_LOOKS);
}

async function accepts(visitor) {
  visitor.secrets.push(code);
  // As mail breaks it.
  await visitor.fill(named("code"), `${code.slice(0, 76)}\n${code.slice(76)}\n`);
  await visitor.fill(named("description"), "South office");
  await visitor.press("main form > button");
  await visitor.greets("south.example is a peer now.");
  await visitor.sees("main dd .state", "Connected");
  await visitor.sees(SECTION, "5 added");
  await visitor.insistFit("sister connected");
}

async function selects(visitor) {
  const details = "section[aria-labelledby=section-peer-server-details]";
  await visitor.press(`${details} .control button`);
  const rows = visitor.page.locator(`${details} tbody tr`);
  await rows.first().waitFor();
  const texts = (await rows.allInnerTexts()).map((text) => text.replaceAll(/\s+/g, " ").trim());
  insist(texts.join("; ") === "second Company second Select; south Company south Select", `the list is ${texts.join("; ")}`);
  await visitor.insistFit("sister enterprises", THREE_LOOKS);
  const field = visitor.page.locator(named("peer_enterprise"));
  for (const id of ["second", "south"]) {
    if ((await rows.count()) === 0) await visitor.press(`${details} .control button`);
    await visitor.press(`${details} [aria-label="Select ${id}"]`);
    insist((await field.inputValue()) === id && (await visitor.isAt(named("peer_enterprise"))), `${id} is not selected`);
  }
}

async function synchronizes(visitor) {
  const outcome = `${SECTION} .outcome .notice`;
  const buttons = visitor.page.locator(`${SECTION} .actions button`);
  await buttons.filter({ hasText: "Sync Now" }).focus();
  await visitor.page.keyboard.press("Enter");
  await visitor.sees(outcome, "Nothing was new.");
  await buttons.filter({ hasText: "Show what it would do" }).focus();
  await visitor.page.keyboard.press("Enter");
  await visitor.sees(outcome, "This was a trial: nothing was changed");
  await visitor.insistFit("sister synchronized", THREE_LOOKS);
}

async function lists(visitor) {
  await visitor.press("main a[href='#/plugin/peering']");
  await visitor.see("Peering");
  const cells = await visitor.page.locator("section[aria-labelledby=section-peer-servers] tbody td").allInnerTexts();
  const [description, server, type, version, status] = cells.map((text) => text.trim());
  const told = [description, server, type, status].join(", ");
  insist(told === "South office, south.example, Sister appliance, Connected", `the table says ${told}`);
  insist(/^\d+\.\d+\.\d+$/.test(version), `the version is ${version}`);
  await visitor.insistFit("sisters", THREE_LOOKS);
}

async function peer(visitor) {
  await opens(visitor);
  await visitor.press("section[aria-labelledby=section-peer-servers] tbody a");
  await visitor.see("South office");
}

async function answers(visitor) {
  await peer(visitor);
  await visitor.sees(`${SECTION} .notice`, "Nothing was changed: it waits for your answer");
  await visitor.insistFit("sister held", THREE_LOOKS);
  await visitor.confirmed(`${SECTION} .notice button`);
  await visitor.sees(`${SECTION} .outcome .notice`, "Synchronized");
  // The first of them may have gone unasked.
  await visitor.sees(`${SECTION} dl`, /[34] removed/);
  insist((await visitor.page.locator(`${SECTION} .notice button`).count()) === 0, "it still asks");
  await visitor.fill(named("max_removal_percent"), "101");
  await visitor.press(`${SECTION} form:has(${named("max_removal_percent")}) > button`);
  await visitor.insistErrorAt("max_removal_percent", "0 to 100");
  await visitor.fill(named("max_removal_percent"), "35");
  await visitor.press(`${SECTION} form:has(${named("max_removal_percent")}) > button`);
  await visitor.greets("Saved.");
  insist((await visitor.page.locator(named("max_removal_percent")).inputValue()) === "35", "the share is another");
}

async function mismatches(visitor) {
  await peer(visitor);
  await visitor.fill(named("hostname"), "else.example");
  await visitor.press("section[aria-labelledby=section-peer-server-details] form > button");
  await visitor.greets("Saved.");
  await visitor.sees("main dd .state", "Certificate mismatch");
  const facts = (await visitor.page.locator(`${SECTION} dl`).innerText()).replaceAll(/\s+/g, " ");
  insist(/Expected else\.example Found south\.example/.test(facts), `the facts are ${facts}`);
  await visitor.sees("main", "Compare both certificates.");
  await visitor.insistFit("sister mismatch", THREE_LOOKS);
}

async function deletes(visitor) {
  await visitor.confirmed("section[aria-labelledby=section-deleting] button");
  await visitor.greets("South office is deleted.");
  await visitor.sees("main", "There is no peer yet.");
}

if (STORIES[which] === undefined || password === undefined) {
  console.error("usage: node sisters.mjs BASE_URL NAME PASSWORD accept|held|mismatch [CODE]");
  process.exit(2);
}
await tellStory(base, STORIES[which]);
