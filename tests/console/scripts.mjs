// The story of a script: a syntax error is shown at its line, then it is kept, tried, published and rolled back.
// node scripts.mjs BASE_URL NAME PASSWORD, against an appliance that packaging/rehearsal has filled.

import { THREE_LOOKS, insist, tellStory } from "./browser.mjs";

const [base, name, password] = process.argv.slice(2);
const script = (digit, end = "}") =>
  `hook("dial.rewrite", function(call)\n  return { number = "${digit}" .. call.number ${end}\nend)\n`;

async function opens(visitor) {
  await visitor.signIn(name, password);
  await visitor.press("nav a[href='#/hooks']");
  await visitor.see("Hooks");
  await visitor.press("[data-does=new]");
  await visitor.see("New script");
}

/** Types a whole source at once, as pasting does. */
async function write(visitor, text) {
  await visitor.reach("#source");
  await visitor.page.keyboard.press("Control+A");
  await visitor.page.keyboard.insertText(text);
}

async function seesItsLine(visitor) {
  await visitor.fill("#name", "nine");
  await write(visitor, script("9", ""));
  await visitor.press("form button[type=submit]");
  await visitor.insistErrorAt("source", "site/nine.lua:3");
  const marked = await visitor.page.locator(".excerpt mark").innerText();
  insist(/^\s*3\s+end\)/.test(marked), `marked is ${JSON.stringify(marked)}`);
  await visitor.press("[data-does=go-to-line]");
  const chosen = await visitor.page.evaluate(() => getSelection().toString());
  insist(chosen === "end)", `the way to the line leads to ${JSON.stringify(chosen)}`);
  await visitor.insistFit("script with an error", THREE_LOOKS);
}

async function keepsIt(visitor) {
  await write(visitor, script("9"));
  await visitor.press("form button[type=submit]");
  await visitor.greets("Version 1 is kept. It does not serve before it is published.");
  await visitor.sees("main dl", "Not published");
}

async function triesIt(visitor) {
  await visitor.fill("#to", "4711");
  await visitor.page.keyboard.press("Enter");
  await visitor.sees(".result .dialed", "904711");
  await visitor.sees(".result .story", "site/nine.lua:1");
}

async function publishes(visitor) {
  await visitor.confirmed("[data-does=publish]");
  await visitor.greets("Published: version 1 serves.");
  await visitor.sees("main dl", "Active");
  await write(visitor, script("8"));
  await visitor.press("form button[type=submit]");
  await visitor.greets("Version 2 is kept.");
  await visitor.press("[data-does=look]");
  await visitor.sees(".diff ins", '"8"');
  await visitor.sees(".diff del", '"9"');
  await visitor.insistFit("script compared", THREE_LOOKS);
  await visitor.confirmed("[data-does=publish]");
  await visitor.greets("Published: version 2 serves.");
}

async function rollsBack(visitor) {
  await visitor.confirmed("[data-does=rollback]");
  await visitor.greets("Rolled back: version 1 serves again.");
  await visitor.press("nav a[href='#/dialing']");
  await visitor.see("Dialing preview");
  await visitor.fill("#to", "4711");
  await visitor.page.keyboard.press("Enter");
  await visitor.sees(".dialed", "904711");
}

async function runsACheck(visitor) {
  await visitor.press("nav a[href='#/checks']");
  await visitor.see("Checks");
  await visitor.press(".finding a");
  await visitor.see("csta_ports.ports");
  await visitor.press("[data-does=run]");
  await visitor.sees("main p[role=status]", "It has run");
  insist((await visitor.page.locator("tbody tr").count()) >= 1, "the run is not in the history");
}

await tellStory(base, [
  ["somebody begins a script", opens],
  ["a syntax error is shown at its line", seesItsLine],
  ["the mended script is kept and does not serve", keepsIt],
  ["a trial shows each step with its line", triesIt],
  ["it is published, and so is another version", publishes],
  ["it is rolled back", rollsBack],
  ["a check is run by hand", runsACheck],
]);
