// The story of an operator who looks after plugins and sets federation up, by keyboard only.
// node plugins.mjs BASE_URL NAME PASSWORD, against an appliance with the plugins echo, faulty and federation, all up.
// Exit code 1 with one sentence when something is not as it should be.

import { inBrowser, insist } from "./browser.mjs";

const [base, name, password] = process.argv.slice(2);

const STORY = [
  ["signing in shows the plugins in the navigation", signsIn],
  ["the plugins are listed with how they do", listsPlugins],
  ["a question can be left without anything being done", leavesTheQuestion],
  ["a plugin is restarted once that was confirmed", restarts],
  ["a plugin's own page talks to its plugin", visitsEcho],
  ["a plugin that is switched off says so on its page, and on the list", switchesOff],
  ["a plugin is switched on again", switchesOn],
  ["federation says that it is off", visitsFederation],
  ["who is connected is found, and a session ended", endsASession],
  ["federation is enabled and says how far that goes", enablesFederation],
  ["a row is added, and NextPlane opens server and port", addsServers],
  ["what is wrong is said next to its field and nothing is applied", refusesRows],
  ["the whole table is applied at once", applies],
  ["reset forgets what was not applied", resets],
  ["rows are changed and deleted", changesAndDeletes],
  ["the page is the same after loading it again", survivesReload],
  ["federation shows its certificates and refuses what is none", looksAtCertificates],
  ["of many domains each is found with its certificate", findsADomain],
  ["links have a list that is searched", listsLinks],
  ["a long table is narrowed to one row, whose server is tested", testsAServer],
  ["a test speaks for the domain of ours that is named", namesADomain],
];

async function signsIn(visitor) {
  visitor.secrets.push(password);
  await visitor.open();
  await visitor.see("Sign in");
  await visitor.fill("#name", name);
  await visitor.fill("#password", password);
  await visitor.page.keyboard.press("Enter");
  await visitor.see("Overview");
  const links = await visitor.page.locator("nav ul[aria-labelledby=nav-connections] a").allInnerTexts();
  insist(links.join(", ") === "Echo, Federation", `the navigation's connections are ${links.join(", ")}`);
}

async function listsPlugins(visitor) {
  await visitor.press("nav a[href='#/plugins']");
  await visitor.see("Plugins");
  // Three plugins, and the two units that run the site's scripts.
  insist((await visitor.page.locator("section.plugin").count()) === 5, "not all plugins are shown");
  for (const plugin of await visitor.page.locator("section.plugin").all()) {
    const text = await plugin.innerText();
    for (const words of ["Up", "Since", "Restarts", "everything is enforced"])
      insist(text.includes(words), `${JSON.stringify(words)} is not in ${text}`);
    insist(text.includes("Signed by") !== text.includes("Part of"), `whose it is, is not in ${text}`);
  }
  await visitor.insistFit("plugins");
}

const ECHO = "section[aria-labelledby=plugin-echo]";

async function leavesTheQuestion(visitor) {
  await visitor.press(`${ECHO} button[data-verb=disable]`);
  await visitor.page.locator("dialog[open]").waitFor();
  insist(await visitor.isAt("dialog button"), "the focus is not in the question");
  await visitor.insistFit("plugins question");
  await visitor.page.keyboard.press("Escape");
  await visitor.page.locator("dialog").waitFor({ state: "detached" });
  insist(await visitor.isAt(`${ECHO} button[data-verb=disable]`), "the focus is not back where it was");
  insist((await visitor.page.locator(ECHO).innerText()).includes("Up"), "it was switched off all the same");
}

async function confirmed(visitor, selector) {
  await visitor.press(selector);
  await visitor.page.locator("dialog[open]").waitFor();
  await visitor.press("dialog button.primary");
  await visitor.page.locator("dialog").waitFor({ state: "detached" });
}

async function greets(visitor, words) {
  await visitor.page
    .locator("main > .notice", { hasText: words })
    .waitFor()
    .catch(async () => {
      throw new Error(`nothing says ${words}: ${await visitor.page.locator("main").innerText()}`);
    });
}

async function restarts(visitor) {
  await confirmed(visitor, `${ECHO} button[data-verb=restart]`);
  await greets(visitor, "Echo was restarted.");
  const restarted = await visitor.page.locator(ECHO).locator("div", { hasText: /^Restarts\s*1$/ }).count();
  insist(restarted > 0, "the restart is not counted");
}

async function visitsEcho(visitor) {
  await visitor.press("nav a[href='#/plugin/echo']");
  await visitor.see("Echo");
  insist(await visitor.isAt("main h1"), "the focus did not move to the page");
  const lead = await visitor.page.locator(".lead").innerText();
  insist(lead === `Hello, admin ${name}.`, `echo greets with ${lead}`);
  await visitor.fill("#text", "is anybody <b>there</b>?");
  await visitor.page.keyboard.press("Enter");
  await visitor.page.locator(".notice", { hasText: "is anybody <b>there</b>?" }).waitFor();
  await visitor.insistFit("echo");
}

async function switchesOff(visitor) {
  await visitor.press("nav a[href='#/plugins']");
  await visitor.see("Plugins");
  await confirmed(visitor, `${ECHO} button[data-verb=disable]`);
  await greets(visitor, "Echo is switched off.");
  insist((await visitor.page.locator(ECHO).innerText()).includes("Switched off"), "the list does not say so");
  await visitor.insistFit("plugins with one off");
  await visitor.press("nav a[href='#/plugin/echo']");
  await visitor.see("Echo");
  const said = await visitor.page.locator("main .notice").innerText();
  insist(said.includes("does not serve now") && said.includes("An operator switched it off."), said);
  await visitor.insistFit("echo switched off");
}

async function switchesOn(visitor) {
  await visitor.press("main a[href='#/plugins']");
  await visitor.see("Plugins");
  await confirmed(visitor, `${ECHO} button[data-verb=enable]`);
  await greets(visitor, "Echo is switched on.");
}

async function visitsFederation(visitor) {
  await visitor.press("nav a[href='#/plugin/federation']");
  await visitor.see("Federation");
  const said = await visitor.page.locator("main > .notice").innerText();
  insist(said.includes("Disabled") && said.includes("switched off"), `federation says ${said}`);
  await visitor.insistFit("federation off");
}

async function endsASession(visitor) {
  await visitor.press("main a[href='#/plugin/federation/sessions']");
  await visitor.see("Sessions of our own users");
  await insistSessions(visitor, ["ann@home.example desk Connected", "ben@home.example desk Connected"]);
  await visitor.insistFit("federation sessions");
  await visitor.fill("#search", "ben desk");
  await visitor.page.keyboard.press("Enter");
  await visitor.sees("main p[role=status]", "1 entry found.");
  await insistSessions(visitor, ["ben@home.example desk Connected"]);
  await confirmed(visitor, "button[aria-label='End the session of ben@home.example/desk']");
  await greets(visitor, "The session of ben@home.example/desk is ended.");
  await visitor.fill("#search", "desk");
  await visitor.page.keyboard.press("Enter");
  await visitor.sees("main p[role=status]", "1 entry found.");
  await insistSessions(visitor, ["ann@home.example desk Connected"]);
  await visitor.press("main a[href='#/plugin/federation']");
  await visitor.see("Federation");
}

async function insistSessions(visitor, wanted) {
  const rows = await visitor.page.locator("tbody tr").evaluateAll((all) =>
    all.map((line) => [...line.querySelectorAll("td")].slice(0, 3).map((cell) => cell.textContent.trim()).join(" ")),
  );
  insist(JSON.stringify(rows) === JSON.stringify(wanted), `the sessions are ${JSON.stringify(rows)}`);
}

async function enablesFederation(visitor) {
  await visitor.press("main .actions button.primary");
  await greets(visitor, "Federation is enabled.");
  await greets(visitor, "federation listens on 127.0.0.1");
}

/** The table that is edited; the page has others. */
const TABLE = "[aria-label='Rows of the table']";
const row = (n) => `${TABLE} tbody tr:nth-child(${n})`;

async function addsServers(visitor) {
  await visitor.press("button[data-does=add-server]");
  insist(await visitor.isAt(`${row(1)} input[id^=domain]`), "the focus did not move to the new row");
  await visitor.page.keyboard.type("ocs.com");
  insist(
    (await visitor.page.locator(`${row(1)} input[id^=server]:disabled`).count()) === 1,
    "the server can be written without NextPlane",
  );
  await visitor.press("button[data-does=add-server]");
  await visitor.page.keyboard.type("np.example");
  await visitor.reach(`${row(2)} input[id^=nextplane]`);
  await visitor.page.keyboard.press("Space");
  insist(await visitor.isAt(`${row(2)} input[id^=server]`), "NextPlane does not lead to the server");
  const pending = await visitor.page.locator("p[role=status]").innerText();
  insist(pending === "2 changes are not applied yet.", pending);
  await visitor.insistFit("federation edited");
}

async function refusesRows(visitor) {
  await visitor.fill(`${row(2)} input[id^=port]`, "99999");
  await visitor.fill(`${row(1)} input[id^=domain]`, "ocs");
  await visitor.press("button[data-does=apply]");
  await insistBlamed(visitor, row(1), 1, "domain", "must be a DNS name");
  await insistBlamed(visitor, row(2), 4, "port", "1 to 65535");
  insist(await visitor.isAt(`${row(1)} input[id^=domain]`), "the focus did not move to the first wrong field");
  insist((await visitor.page.locator("[aria-invalid=true]").count()) === 2, "other fields are blamed");
  await visitor.insistFit("federation refused");
  await visitor.fill(`${row(1)} input[id^=domain]`, "ocs.com");
  await visitor.fill(`${row(2)} input[id^=port]`, "5270");
  await visitor.press("button[data-does=apply]");
  await insistBlamed(visitor, row(2), 3, "server", "must be given");
  insist((await visitor.page.locator("[aria-invalid=true]").count()) === 1, "an error that is mended stays");
}

async function insistBlamed(visitor, line, column, field, words) {
  const error = visitor.page.locator(`${line} td:nth-child(${column}) .error`);
  await error.waitFor().catch(() => {
    throw new Error(`no error is shown at ${field}`);
  });
  const text = await error.innerText();
  insist(text.includes(words), `the error at ${field} is ${JSON.stringify(text)}`);
  const tied = `${line} input[id^=${field}][aria-invalid=true][aria-describedby^=${field}]`;
  insist((await visitor.page.locator(tied).count()) === 1, `the field ${field} is not tied to its error`);
}

async function applies(visitor) {
  await visitor.fill(`${row(2)} input[id^=server]`, "xmpp.np.example");
  await visitor.press("button[data-does=apply]");
  await greets(visitor, "Applied: 2 added, 0 changed, 0 deleted.");
  await insistRows(visitor, ["np.example true xmpp.np.example 5270", "ocs.com false  5269"]);
  await visitor.insistFit("federation applied");
}

async function insistRows(visitor, wanted) {
  const rows = await visitor.page.locator(`${TABLE} tbody tr`).evaluateAll((all) =>
    all.map((line) => {
      const [domain, nextplane, server, port] = line.querySelectorAll("input");
      return [domain.value, nextplane.checked, server.value, port.value].join(" ");
    }),
  );
  insist(JSON.stringify(rows) === JSON.stringify(wanted), `the table is ${JSON.stringify(rows)}`);
}

async function resets(visitor) {
  await visitor.fill(`${row(2)} input[id^=domain]`, "other.example");
  await visitor.press("button[data-does=reset]");
  await greets(visitor, "The table is as it is stored.");
  await insistRows(visitor, ["np.example true xmpp.np.example 5270", "ocs.com false  5269"]);
}

async function changesAndDeletes(visitor) {
  await visitor.reach(`${row(1)} button`);
  await visitor.page.keyboard.press("Enter");
  insist(await visitor.isAt(`${row(1)} input[id^=domain]`), "the focus is lost after deleting a row");
  await visitor.press("button[data-does=add-server]");
  await visitor.page.keyboard.type("third.example");
  await visitor.press("button[data-does=apply]");
  await greets(visitor, "Applied: 1 added, 0 changed, 1 deleted.");
}

async function survivesReload(visitor) {
  await visitor.page.reload();
  await visitor.see("Federation");
  await insistRows(visitor, ["ocs.com false  5269", "third.example false  5269"]);
  await visitor.insistStill("federation");
}

async function looksAtCertificates(visitor) {
  await visitor.press("main a[href='#/plugin/federation/certificates/default']");
  await visitor.see("Default certificate");
  await visitor.fill("textarea[name=certificate]", "not PEM");
  await visitor.press("form button.primary");
  const error = visitor.page.locator("#certificate-error:not([hidden])");
  await error.waitFor();
  insist((await error.innerText()).includes("PEM"), "a certificate that is none is not refused by name");
  await visitor.insistFit("federation certificate");
  await visitor.press("main a[href='#/plugin/federation']");
  await visitor.see("Federation");
}

async function findsADomain(visitor) {
  await visitor.press("main a[href='#/plugin/federation/certificates']");
  await visitor.see("Certificates of our domains");
  await visitor.sees("main p[role=status]", "14 entries.");
  await visitor.insistFit("federation domains");
  await visitor.fill("#search", "HOME default");
  await visitor.page.keyboard.press("Enter");
  await visitor.sees("main p[role=status]", "1 entry found.");
  await visitor.press("main a[href='#/plugin/federation/certificates/home.example']");
  await visitor.see("Certificate of home.example");
}

async function listsLinks(visitor) {
  await visitor.visit("#/plugin/federation/links", "Links to federated servers");
  await visitor.fill("#search", "waiting");
  await visitor.page.keyboard.press("Enter");
  await visitor.sees("main .list", "Nothing fits “waiting”.");
  await visitor.insistFit("federation links");
  await visitor.press("main a[href='#/plugin/federation']");
  await visitor.see("Federation");
}

/** A server of a row that refuses connections, among others. */
async function testsAServer(visitor) {
  await visitor.page.evaluate(async () => {
    const { post } = await import("/console/api.js");
    const refuses = { nextplane: true, server: "127.0.0.1", port: 1 };
    for (let n = 0; n < 20; n += 1) await post("/federation/servers", { domain: `p${n}.example`, ...refuses });
    await post("/federation/servers", { domain: "near.example", ...refuses });
  });
  await visitor.visit("#/plugin/federation/links", "Links to federated servers");
  await visitor.press("main a[href='#/plugin/federation']");
  await visitor.see("Federation");
  await visitor.fill("#narrow", "Near");
  const shown = await visitor.page.locator(`${TABLE} tbody tr:visible`).count();
  insist(shown === 1, `${shown} rows are shown`);
  await visitor.insistFit("federation narrowed");
  await visitor.press("a[aria-label='Test near.example']");
  await visitor.see("Test of near.example");
  await visitor.press("main form button.primary");
  await visitor.sees("main .notice", "near.example is not reached");
  await visitor.sees("main .facts", "of our domains it has the most users");
  await visitor.insistFit("federation test");
}

async function namesADomain(visitor) {
  await visitor.fill("#own", "strange.example");
  await visitor.page.keyboard.press("Enter");
  await visitor.insistErrorAt("own", "must be one of our domains");
  await visitor.fill("#own", "site3.example");
  await visitor.page.keyboard.press("Enter");
  await visitor.sees("main .facts", "site3.example: it was asked for");
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
  console.error("usage: node plugins.mjs BASE_URL NAME PASSWORD");
  process.exit(2);
}
await inBrowser(base, tell).catch((cause) => {
  console.error(`FAILED  ${cause.message}`);
  process.exitCode = 1;
});
