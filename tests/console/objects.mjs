// The story of an operator who makes an enterprise, a PBX node and an account, looks the account up, sets its presence,
// its password and its photo, meets somebody else's change and undoes, by keyboard only.
// node objects.mjs BASE_URL NAME PASSWORD, against an appliance that packaging/rehearsal has filled.

import { THREE_LOOKS, insist, tellStory } from "./browser.mjs";

const [base, name, password] = process.argv.slice(2);

async function makesEnterprise(visitor) {
  await visitor.press("nav a[href='#/enterprises']");
  await visitor.see("Enterprises");
  await visitor.press("[data-does=new]");
  await visitor.see("New enterprise");
  await visitor.fill("#id", "Nantes");
  await visitor.fill("#description", "Nantes site");
  await visitor.page.keyboard.press("Enter");
  await visitor.insistErrorAt("domain", "must be");
  insist((await visitor.page.locator("#id").inputValue()) === "Nantes", "what was typed is lost");
  await visitor.fill("#domain", "nantes.example");
  await visitor.page.keyboard.press("Enter");
  await visitor.greets("Enterprise Nantes site is made.");
}

async function makesNode(visitor) {
  await visitor.press("nav a[href='#/pbx-nodes']");
  await visitor.see("PBX nodes");
  const box = await visitor.page.locator("#enterprise-box").inputValue();
  insist(box === "Nantes", `the list box shows ${box}, not what was just made`);
  await visitor.press("[data-does=new]");
  await visitor.see("New PBX node");
  await visitor.fill("#name", "Nantes 5000");
  await visitor.pick("#kind", "MiVoice 5000");
  await visitor.fill("#address", "pbx.nantes.example");
  await visitor.fill("#csta_ports", "3211, 70000");
  await visitor.page.keyboard.press("Enter");
  await visitor.insistErrorAt("csta_ports", "65535");
  await visitor.fill("#csta_ports", "3211, 3212");
  await visitor.page.keyboard.press("Enter");
  await visitor.greets("PBX node Nantes 5000 is made.");
  const ports = await visitor.page.locator("#csta_ports").inputValue();
  insist(ports === "3211, 3212", `the CSTA ports are ${ports}`);
}

async function makesAccount(visitor) {
  await visitor.press("nav a[href='#/accounts']");
  await visitor.see("Accounts");
  await visitor.press("[data-does=new]");
  await visitor.see("New account");
  await visitor.fill("#login_id", "anne.roux");
  await visitor.fill("#first_name", "Anne");
  await visitor.fill("#last_name", "Roux");
  await visitor.fill("#extension", "3100");
  await visitor.pick("#pbx_node", "Nantes");
  await visitor.press("form button[type=submit]");
  await visitor.greets("Account Anne Roux is made.");
  await visitor.insistFit("account", THREE_LOOKS);
}

async function setsPassword(visitor) {
  visitor.secrets.push("correct horse battery", "another horse battery");
  await visitor.sees("main", "The user cannot sign in: there is no password.");
  await visitor.fill("#password", "short");
  await visitor.page.keyboard.press("Enter");
  await visitor.insistErrorAt("password", "8 to 256 characters");
  await visitor.fill("#password", "correct horse battery");
  await visitor.page.keyboard.press("Enter");
  await visitor.greets("Anne Roux has a new password.");
  await visitor.sees("main", "The user signs in with the password that was set");
  const left = await visitor.page.locator("#password").inputValue();
  insist(left === "", "the password is still in the page");
  await visitor.insistFit("account password", THREE_LOOKS);
  await visitor.confirmed("[data-does=remove-password]");
  await visitor.greets("Anne Roux has no password here any more.");
  await visitor.fill("#password", "another horse battery");
  await visitor.page.keyboard.press("Enter");
  await visitor.greets("Anne Roux has a new password.");
  await visitor.press("[data-does=undo]");
  await visitor.greets("Undone.");
  await visitor.sees("main", "The user cannot sign in: there is no password.");
}

async function findsIt(visitor) {
  await visitor.press("nav a[href='#/directory']");
  await visitor.see("Corporate directory");
  await visitor.fill("#search", "roux anne");
  await visitor.page.keyboard.press("Enter");
  await visitor.sees("main p[role=status]", "1 entry found.");
  await visitor.press("td [data-does=flip]");
  await visitor.sees("td", "Hidden");
  insist(await visitor.isAt("td [data-does=flip]"), "the focus is lost after hiding");
  await visitor.page.keyboard.press("Enter");
  await visitor.sees("td", "Shown");
  await visitor.press("td a");
  await visitor.see("Account Anne Roux");
}

async function setsPresence(visitor) {
  await visitor.press("summary");
  await visitor.pick("#state", "Busy");
  await visitor.fill("#note", "in a talk");
  await visitor.page.keyboard.press("Enter");
  await visitor.sees(".presence", "Busy");
  const said = await visitor.page.locator(".presence").innerText();
  for (const words of ["in a talk", "Manual", "it was set last"]) insist(said.includes(words), `no ${words} in ${said}`);
  await behind(visitor, "PUT", "/presence/telephony", { state: "in_call" });
  await visitor.sees(".presence table", "Telephony");
  await visitor.press("[data-does=clear-presence]");
  await visitor.sees("main [role=status]", "What was set by hand is taken back.");
  await behind(visitor, "DELETE", "/presence/telephony");
}

/** Somebody else does something to the account that is shown. */
async function behind(visitor, method, path, body) {
  const status = await visitor.page.evaluate(
    async ([how, where, what]) => {
      const { csrf } = await (await fetch("/api/v1/session")).json();
      const headers = { "Content-Type": "application/json", "If-Match": "*", "X-CSRF-Token": csrf };
      const account = location.hash.split("/")[2];
      const sent = { method: how, headers, body: what === undefined ? undefined : JSON.stringify(what) };
      return (await fetch(`/api/v1/accounts/${account}${where}`, sent)).status;
    },
    [method, path, body],
  );
  insist(status < 300, `${method} ${path} behind the page's back was answered ${status}`);
}

async function meetsAnother(visitor) {
  await visitor.fill("#first_name", "Annette");
  await behind(visitor, "PATCH", "", { email: "anne@nantes.example" });
  await visitor.page.keyboard.press("Enter");
  await visitor.sees(".outcome .notice", "changed meanwhile");
  await visitor.sees(".outcome .notice", "E-mail");
  const typed = await visitor.page.locator("#first_name").inputValue();
  insist(typed === "Annette", `what was typed is lost; there is ${typed}`);
  await visitor.insistFit("account stale", THREE_LOOKS);
  await visitor.press("[data-does=save-over]");
  await visitor.greets("Account Annette Roux is saved.");
  const mail = await visitor.page.locator("#email").inputValue();
  insist(mail === "anne@nantes.example", `the other's change is overwritten; there is ${mail}`);
}

async function undoes(visitor) {
  await visitor.press("[data-does=undo]");
  await visitor.greets("Undone.");
  await visitor.see("Account Anne Roux");
  await visitor.press("main a[href^='#/audit?kind=accounts&']");
  await visitor.see("Audit");
  const rows = await visitor.page.locator("tbody tr").count();
  insist(rows === 6, `the account's history has ${rows} changes`);
}

async function deletes(visitor) {
  await visitor.page.goBack();
  await visitor.see("Account Anne Roux");
  await visitor.confirmed("[data-does=delete]");
  await visitor.greets("Account Anne Roux is deleted.");
  await visitor.press("[data-does=undo]");
  await visitor.greets("Undone.");
  await visitor.see("Account Anne Roux");
}

/** A picture of one pixel, which a browser shows. */
const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

async function setsPhoto(visitor) {
  const chosen = (mimeType, buffer) => visitor.page.locator("#photo").setInputFiles({ name: "anne", mimeType, buffer });
  const send = () => visitor.press("form:has(#photo) button[type=submit]");
  await visitor.sees("main", "There is no photo.");
  await send();
  await visitor.insistErrorAt("photo", "Choose the file first.");
  await chosen("image/png", Buffer.from("<svg onload=alert(1)>"));
  await send();
  await visitor.insistErrorAt("photo", "must be a JPEG or a PNG");
  await chosen("image/png", Buffer.from(PIXEL, "base64"));
  await send();
  await visitor.greets("Anne Roux has another photo.");
  const isSeen = () => {
    const image = document.querySelector("img[alt='Photo of Anne Roux']");
    return image !== null && image.complete && image.naturalWidth === 1;
  };
  await visitor.page.waitForFunction(isSeen);
  await visitor.insistFit("account photo", THREE_LOOKS);
  await visitor.press("[data-does=remove-photo]");
  await visitor.greets("Anne Roux has no photo any more.");
  await visitor.press("[data-does=undo]");
  await visitor.greets("Undone.");
  await visitor.page.waitForFunction(isSeen);
}

async function setsASetting(visitor) {
  await visitor.press("nav a[href='#/settings']");
  await visitor.see("Settings");
  await visitor.press("a[href='#/settings/site.time_zone']");
  await visitor.see("site.time_zone");
  await visitor.fill("#value", "Europe/Paris");
  await visitor.page.keyboard.press("Enter");
  await visitor.greets("site.time_zone is saved.");
  await visitor.confirmed("[data-does=reset]");
  await visitor.greets("site.time_zone follows its default.");
}

await tellStory(base, [
  ["an operator signs in", (visitor) => visitor.signIn(name, password)],
  ["an enterprise is made, and what is missing is said at its field", makesEnterprise],
  ["a PBX node is made with its CSTA ports", makesNode],
  ["an account is made", makesAccount],
  ["the directory finds it, hides it and shows it again", findsIt],
  ["its presence is set and followed as it changes", setsPresence],
  ["its password is set, removed, and a first one is undone", setsPassword],
  ["somebody else's change is told and nothing typed is lost", meetsAnother],
  ["a change is undone and the history shows all", undoes],
  ["a deletion is confirmed, and undone", deletes],
  ["its photo is set, seen, removed and put back", setsPhoto],
  ["a setting is changed and follows its default again", setsASetting],
]);
