// The story of an administrator who sets peering, CloudLink and Microsoft Teams up, by keyboard only.
// node worlds.mjs BASE_URL NAME PASSWORD, against an appliance with those plugins up, an enterprise `acme`, and an
// account without an e-mail address. Exit code 1 with one sentence when something is not as it should be.

import { inBrowser, insist } from "./browser.mjs";

const [base, name, password] = process.argv.slice(2);
const SECRET = "pr0xy-secret-7c1";

const STORY = [
  ["signing in", signsIn],
  ["a sister appliance is added, with what is wrong said at its field", addsPeer],
  ["an external peer gets a directory, whose password is never shown", addsDirectory],
  ["a directory that is not there is tested and synchronized, which says why not", testsDirectory],
  ["a sister appliance is invited by a code that is shown once", invites],
  ["the table of peers is sorted by a heading", sorts],
  ["a peer is deleted once that was confirmed", deletes],
  ["CloudLink says what is missing, and less after it was set up", setsCloudLink],
  ["accounts that activation would fail for are shown with what to do", readsActivation],
  ["Teams is set up, and refuses what presence lacks", setsTeams],
  ["who an account is in Teams is said", namesUser],
];

const named = (field) => `[name="${field}"]`;

async function signsIn(visitor) {
  visitor.secrets.push(password, SECRET);
  await visitor.open();
  await visitor.see("Sign in");
  await visitor.fill("#name", name);
  await visitor.fill("#password", password);
  await visitor.page.keyboard.press("Enter");
  await visitor.see("Overview");
}

async function greets(visitor, words) {
  await visitor.page
    .locator("main > .notice", { hasText: words })
    .first()
    .waitFor()
    .catch(async () => {
      throw new Error(`nothing says ${words}: ${await visitor.page.locator("main").innerText()}`);
    });
}

async function choose(visitor, field, value) {
  await visitor.reach(named(field));
  await visitor.page.locator(named(field)).selectOption(value);
}

async function addsPeer(visitor) {
  await visitor.press("nav a[href='#/plugin/peering']");
  await visitor.see("Peering");
  await visitor.insistFit("peering empty");
  await visitor.press("main a[href='#/plugin/peering/peers/new']");
  await visitor.see("Add Server");
  insist((await visitor.page.locator("nav a[aria-current]").innerText()) === "Peering", "the navigation lost its place");
  await visitor.fill(named("description"), "Berlin office");
  await visitor.press("main form > button");
  await visitor.insistErrorAt("hostname", "must be given");
  await visitor.insistFit("peer refused");
  await visitor.fill(named("hostname"), "berlin.acme.example");
  await visitor.fill(named("peer_enterprise"), "berlin");
  await visitor.press("main form > button");
  await greets(visitor, "Berlin office was added.");
  await visitor.insistFit("peer details");
}

async function addsDirectory(visitor) {
  await visitor.press("main a[href='#/plugin/peering']");
  await visitor.see("Peering");
  await visitor.press("main a[href='#/plugin/peering/peers/new']");
  await visitor.see("Add Server");
  await choose(visitor, "kind", "external");
  insist(!(await visitor.page.locator("#hostname").isVisible()), "an external peer is asked for a hostname");
  await visitor.fill(named("description"), "Anchor messaging");
  await visitor.press("main form > button");
  await greets(visitor, "Anchor messaging was added.");
  const form = "section[aria-labelledby=section-ad-ldap-synchronizer] form";
  const fill = (field, text) => visitor.fill(`${form} ${named(field)}`, text);
  await fill("description", "People of Anchor");
  await fill("domain", "anchor.example");
  await fill("host", "dc1.anchor.example");
  await fill("base_dn", "DC=anchor,DC=example");
  await fill("bind_dn", "CN=reader,DC=anchor,DC=example");
  await fill("password", SECRET);
  await visitor.press(`${form} > button`);
  await greets(visitor, "Saved.");
  await visitor.insistFit("directory");
}

async function testsDirectory(visitor) {
  const section = "section[aria-labelledby=section-ad-ldap-synchronizer]";
  const buttons = visitor.page.locator(`${section} .actions button`);
  await buttons.filter({ hasText: "Test" }).focus();
  await visitor.page.keyboard.press("Enter");
  const outcome = visitor.page.locator(`${section} .outcome[role=status]`);
  await outcome.getByText("The directory cannot be read").waitFor({ timeout: 40_000 });
  const told = await outcome.innerText();
  insist(/Find the host\s+Failed/.test(told) && /Connect\s+Not reached/.test(told), `the test says ${told}`);
  await visitor.insistFit("directory tested");
  await buttons.filter({ hasText: "Sync Now" }).focus();
  await visitor.page.keyboard.press("Enter");
  await outcome.getByText("Nothing was changed").waitFor({ timeout: 40_000 });
  await visitor.insistFit("directory failed");
  await visitor.page.reload();
  await visitor.page.locator(section).getByText("Could not be read").waitFor();
}

async function invites(visitor) {
  await visitor.press("main a[href='#/plugin/peering']");
  await visitor.see("Peering");
  await visitor.press("main a[href='#/plugin/peering/invite']");
  await visitor.see("Invite a sister appliance");
  await visitor.fill(named("expires_in_hours"), "9000");
  await visitor.press("main form > button");
  await visitor.insistErrorAt("expires_in_hours", "168");
  await visitor.fill(named("expires_in_hours"), "24");
  await visitor.fill(named("note"), "Bob in Berlin");
  await visitor.press("main form > button");
  const code = visitor.page.locator(".outcome textarea");
  await code.waitFor();
  await visitor.insistFit("peering invitation");
  visitor.secrets.push(await code.inputValue());
  await visitor.press("main a[href='#/plugin/peering']");
  await visitor.see("Peering");
  await visitor.page.locator("td", { hasText: "Bob in Berlin" }).waitFor();
  await visitor.insistFit("peering");
}

async function sorts(visitor) {
  const rows = () => visitor.page.locator("section[aria-labelledby=section-peer-servers] tbody tr td:first-child").allInnerTexts();
  const heading = "section[aria-labelledby=section-peer-servers] th:first-child button";
  await visitor.press(heading);
  insist((await rows()).join() === "Anchor messaging,Berlin office", `sorted as ${await rows()}`);
  await visitor.press(heading);
  insist((await rows()).join() === "Berlin office,Anchor messaging", `sorted back as ${await rows()}`);
  const text = await visitor.page.locator("section[aria-labelledby=section-peer-servers] tbody").innerText();
  insist(/Never connected/.test(text) && /N\/A/.test(text), `the table says ${text}`);
}

async function deletes(visitor) {
  await visitor.page.locator("main a", { hasText: "Berlin office" }).focus();
  await visitor.page.keyboard.press("Enter");
  await visitor.see("Berlin office");
  await visitor.press("section[aria-labelledby=section-deleting] button");
  await visitor.page.locator("dialog[open]").waitFor();
  await visitor.press("dialog button.primary");
  await greets(visitor, "Berlin office is deleted.");
}

async function setsCloudLink(visitor) {
  await visitor.press("nav a[href='#/plugin/cloudlink']");
  await visitor.see("CloudLink");
  await greets(visitor, "the client id is missing".replace("the", "The"));
  await visitor.insistFit("cloudlink empty");
  await visitor.fill(named("account_number"), "12a");
  await visitor.press("main form > button");
  await visitor.insistErrorAt("account_number", "must be");
  await visitor.fill(named("account_number"), "123456789");
  await visitor.fill(named("client_id"), "jackfield-site-1");
  await visitor.fill(named("proxy/host"), "proxy.acme.example");
  await visitor.fill(named("proxy/port"), "3128");
  await visitor.fill(named("proxy/user"), "uc");
  await visitor.fill(named("proxy_password"), SECRET);
  await visitor.press("main form > button");
  await greets(visitor, "Saved. Something is still missing.");
  await visitor.insistFit("cloudlink");
}

async function readsActivation(visitor) {
  const text = await visitor.page.locator("section[aria-labelledby=section-activation]").innerText();
  for (const words of ["no account is activated", "Primary Email missing", "Give the account a primary e-mail address"])
    insist(text.toLowerCase().includes(words.toLowerCase()), `${words} is not in ${text}`);
}

async function setsTeams(visitor) {
  // The page is long: from its top the navigation is near.
  await visitor.page.reload();
  await visitor.see("CloudLink");
  await visitor.press("nav a[href='#/plugin/teams']");
  await visitor.see("Microsoft Teams");
  await visitor.insistFit("teams empty");
  await choose(visitor, "direction", "uni_directional");
  await visitor.press("main form > button");
  await visitor.page.locator("#tenant_id-error", { hasText: "must be given" }).waitFor();
  await choose(visitor, "direction", "off");
  await visitor.fill(named("tenant_id"), "contoso.onmicrosoft.com");
  await visitor.press("main form > button");
  await greets(visitor, "Saved.");
  await visitor.insistFit("teams");
}

async function namesUser(visitor) {
  await visitor.page.locator("section[aria-labelledby=section-users] tbody a").first().focus();
  await visitor.page.keyboard.press("Enter");
  await visitor.page.locator("h2", { hasText: "Who it is in Teams" }).waitFor();
  await visitor.fill(named("upn"), "nobody");
  await visitor.press("main form > button");
  await visitor.insistErrorAt("upn", "must be");
  await visitor.fill(named("upn"), "ann@contoso.example");
  await visitor.press("main form > button");
  await greets(visitor, "Saved.");
  await visitor.insistFit("teams user");
}

async function tell(visitor) {
  for (const [title, act] of STORY) {
    await act(visitor).catch((cause) => {
      throw new Error(`${title}: ${cause.message}`, { cause });
    });
    console.log(`ok  ${title}`);
  }
}

if (base === undefined || name === undefined || password === undefined) {
  console.error("usage: node worlds.mjs BASE_URL NAME PASSWORD");
  process.exit(2);
}
await inBrowser(base, tell).catch((cause) => {
  console.error(`FAILED  ${cause.message}`);
  process.exitCode = 1;
});
