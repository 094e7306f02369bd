// The story of an administrator who says who else may do what: another administrator, who cannot be the only one to lose
// the role, a token that is shown once, and a setting that is one of a few words; by keyboard only.
// node access.mjs BASE_URL NAME PASSWORD

import { THREE_LOOKS, insist, tellStory } from "./browser.mjs";

const [base, name, password] = process.argv.slice(2);

async function makesAdministrator(visitor) {
  visitor.secrets.push("a horse under 9 stars");
  await visitor.press("nav a[href='#/admins']");
  await visitor.see("Administrators");
  await visitor.press("[data-does=new]");
  await visitor.see("New administrator");
  await visitor.fill("#name", "bob");
  await visitor.pick("#role", "Operator");
  await visitor.fill("#password", "short");
  await visitor.page.keyboard.press("Enter");
  await visitor.insistErrorAt("password", "12 to 128 characters");
  await visitor.fill("#password", "a horse under 9 stars");
  await visitor.page.keyboard.press("Enter");
  await visitor.greets("Administrator bob is made.");
  insist((await visitor.page.locator("[data-does=undo]").count()) === 0, "an undo is offered that would be refused");
  insist((await visitor.page.locator("#password").inputValue()) === "", "the password is still in the page");
  await visitor.insistFit("administrator", THREE_LOOKS);
}

async function changesRole(visitor) {
  await visitor.pick("#role", "Viewer");
  await visitor.press("form button[type=submit]");
  await visitor.greets("Administrator bob is saved.");
  insist((await visitor.page.locator("#role").inputValue()) === "viewer", "the role is not what was chosen");
  await visitor.confirmed("[data-does=delete]");
  await visitor.greets("Administrator bob is deleted.");
}

async function keepsTheLastOne(visitor) {
  await visitor.press("td a");
  await visitor.see(`Administrator ${name}`);
  await visitor.pick("#role", "Viewer");
  await visitor.press("form button[type=submit]");
  await visitor.sees("main .notice", "Nobody would be left with the role admin");
}

async function makesToken(visitor) {
  await visitor.press("nav a[href='#/tokens']");
  await visitor.see("API tokens");
  await visitor.press("[data-does=new]");
  await visitor.see("New token");
  await visitor.fill("#name", "nightly");
  await visitor.pick("#role", "Operator");
  await visitor.fill("#scopes", "accounts:raed");
  await visitor.page.keyboard.press("Enter");
  await visitor.insistErrorAt("scopes", 'did you mean "accounts:read"?');
  await visitor.fill("#scopes", "accounts:read, jobs:read");
  await visitor.page.keyboard.press("Enter");
  await visitor.greets("Token nightly is made.");
  await visitor.sees("main", "It is never shown again.");
  await visitor.insistFit("token that was made", THREE_LOOKS);
}

/** What is shown works, within what it was narrowed to, and is gone with the page. */
async function usesToken(visitor) {
  const token = await visitor.page.locator("#token").inputValue();
  const asked = (path) =>
    visitor.page.evaluate(
      async ([where, key]) => {
        const headers = { Authorization: `Bearer ${key}` };
        return (await fetch(`/api/v1/${where}`, { headers, credentials: "omit" })).status;
      },
      [path, token],
    );
  insist((await asked("accounts")) === 200, "the token does not work");
  insist((await asked("settings")) === 403, "the token is not narrowed");
  visitor.secrets.push(token);
  await visitor.press("nav a[href='#/tokens']");
  await visitor.sees("td", "accounts:read, jobs:read");
  await visitor.press("td a");
  await visitor.see("Token nightly");
  await visitor.insistFit("token", THREE_LOOKS);
  insist((await visitor.page.locator("form").count()) === 0, "a change is offered that would be refused");
  await visitor.confirmed("[data-does=delete]");
  await visitor.greets("Token nightly is deleted.");
  insist((await asked("accounts")) === 401, "the token works on");
}

async function choosesSetting(visitor) {
  await visitor.press("nav a[href='#/settings']");
  await visitor.see("Settings");
  await visitor.press("a[href='#/settings/site.deployment']");
  await visitor.see("site.deployment");
  const said = await visitor.page.locator("select#value option").allInnerTexts();
  insist(said.length === 2, `the kinds of deployment to choose from are ${said.join(", ")}`);
  await visitor.insistFit("setting of a few words", THREE_LOOKS);
}

await tellStory(base, [
  ["somebody signs in", (visitor) => visitor.signIn(name, password)],
  ["they make another administrator", makesAdministrator],
  ["who gets another role and goes again", changesRole],
  ["the last one with the role admin keeps it", keepsTheLastOne],
  ["they make a token, narrowed to two rights", makesToken],
  ["which works, is shown once, and is taken back", usesToken],
  ["a setting of a few words is chosen, not typed", choosesSetting],
]);
