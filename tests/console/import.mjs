// The story of a list of accounts with a wrong line: tried, mended, imported, undone.
// node import.mjs BASE_URL NAME PASSWORD, against an appliance that packaging/rehearsal has filled.

import { THREE_LOOKS, insist, tellStory } from "./browser.mjs";

const [base, name, password] = process.argv.slice(2);
const list = (email) => `login_id,last_name,email\nlist.one,One,\nlist.two,Two,${email}\n`;

async function opens(visitor) {
  await visitor.signIn(name, password);
  await visitor.press("nav a[href='#/accounts']");
  await visitor.see("Accounts");
  await visitor.press("[data-does=import]");
  await visitor.see("Import accounts");
}

async function choose(visitor, text) {
  const file = { name: "people.csv", mimeType: "text/csv", buffer: Buffer.from(text) };
  await visitor.page.locator("#file").setInputFiles(file);
}

async function triesWrong(visitor) {
  await visitor.press("[data-does=try]");
  await visitor.sees("#file-error", "Choose the file first.");
  await choose(visitor, list("nobody"));
  await visitor.press("[data-does=try]");
  await visitor.sees(".result", "This was a trial");
  const row = await visitor.page.locator(".result tbody tr").innerText();
  for (const words of ["3", "email", "nobody", "must be an e-mail address"]) insist(row.includes(words), row);
  insist((await visitor.page.locator("[data-does=import-now]").count()) === 0, "a wrong list can be imported whole");
  await visitor.insistFit("import with a wrong line", THREE_LOOKS);
}

async function importsGood(visitor) {
  await choose(visitor, list("two@paris.example"));
  await visitor.press("[data-does=try]");
  await visitor.sees("[data-does=import-now]", "Import it now");
  await visitor.press("[data-does=import-now]");
  await visitor.sees(".result", "Undo this import");
  await visitor.insistFit("import done", THREE_LOOKS);
  await visitor.press("nav a[href='#/accounts']");
  await visitor.see("Accounts");
  await visitor.fill("#search", "list");
  await visitor.page.keyboard.press("Enter");
  await visitor.sees("main p[role=status]", "2 entries found.");
}

async function exports(visitor) {
  await visitor.reach("[data-does=export]");
  const [download] = await Promise.all([visitor.page.waitForEvent("download"), visitor.page.keyboard.press("Enter")]);
  const lines = [];
  for await (const part of await download.createReadStream()) lines.push(part.toString());
  insist(lines.join("").includes("list.two"), "the exported list lacks what was imported");
}

async function shownAsJob(visitor) {
  await visitor.press("nav a[href='#/jobs']");
  await visitor.see("Jobs");
  await visitor.press("tbody tr:first-child a");
  await visitor.see("Job");
  await visitor.sees(".job", "Made");
}

await tellStory(base, [
  ["somebody opens the import", opens],
  ["a wrong line is told with its column, and nothing is changed", triesWrong],
  ["the mended list is imported", importsGood],
  ["the list can be taken away again", exports],
  ["the import is among the jobs", shownAsJob],
]);
