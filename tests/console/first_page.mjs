// The story of a first visit: claim the appliance, look around, sign out, sign in, by keyboard only.
// node first_page.mjs BASE_URL CLAIM_CODE, against an appliance that nobody has claimed and that packaging/rehearsal
// has filled. Exit code 1 with one sentence when something is not as it should be.

import { inBrowser, insist } from "./browser.mjs";

const [base, code] = process.argv.slice(2);
const NAME = "alice";
const PASSWORD = "plum-tree under 7 stars";
const WRONG = "plum-tree under 8 stars";

const STORY = [
  ["without scripts the page says what it needs", saysWhatItNeeds],
  ["the first page shows the claim", showsTheClaim],
  ["a short password is refused at its field", refusesShortPassword],
  ["a wrong code is refused at its field", refusesWrongCode],
  ["the right code leads to the overview", claims],
  ["the overview shows what the doctor found", showsDoctor],
  ["loading the page again keeps the session and moves nothing", survivesReload],
  ["the dialing preview shows what is dialed and why", previewsDialing],
  ["signing out leaves nothing behind", signsOut],
  ["a wrong password is refused", refusesWrongPassword],
  ["the right password leads back in", signsIn],
  ["an appliance that cannot be reached is named, and comes back", survivesAbsence],
  ["a session that ended asks to sign in again", noticesTheEnd],
  ["guessing passwords is slowed down, and the page says how long", slowsDownGuessing],
];

async function saysWhatItNeeds(visitor) {
  const context = await visitor.browser.newContext({ ignoreHTTPSErrors: true, javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(base);
  insist(await page.locator("noscript h1").isVisible(), "without scripts the page stays empty");
  await context.close();
}

async function showsTheClaim(visitor) {
  await visitor.open();
  await visitor.see("Welcome to Jackfield");
  await visitor.insistStill("claim");
  await visitor.insistFit("claim");
  await visitor.press("#skip");
  insist(await visitor.isAt("#main"), "the skip link does not lead to the content");
}

async function fillIn(visitor, values) {
  for (const [field, text] of Object.entries(values)) await visitor.fill(`#${field}`, text);
  await visitor.page.keyboard.press("Enter");
}

async function refusesShortPassword(visitor) {
  visitor.secrets.push(PASSWORD, WRONG);
  await fillIn(visitor, { code: "AAAA-AAAA-AAAA", name: NAME, password: "tooshort" });
  await visitor.insistErrorAt("password", "12 to 128 characters");
}

async function refusesWrongCode(visitor) {
  await visitor.fill("#password", PASSWORD);
  await visitor.press("#password ~ button");
  insist((await visitor.page.locator("#password[type=text]").count()) === 1, "the password cannot be shown");
  await visitor.insistSecretsKept("claim with the password shown");
  await visitor.press("button[type=submit]");
  await visitor.insistErrorAt("code", "claim code");
  insist(
    (await visitor.page.locator("#password[type=password]").count()) === 1,
    "the password stays shown after sending",
  );
  insist(await visitor.page.locator("#password-error").isHidden(), "an error that is mended stays");
  await visitor.insistFit("claim refused");
}

async function claims(visitor) {
  await fillIn(visitor, { code: ` ${code.toLowerCase().replaceAll("-", " ")} ` });
  await visitor.see("Overview");
  insist(await visitor.isAt("main h1"), "the focus did not move to the overview");
}

async function showsDoctor(visitor) {
  const findings = visitor.page.locator(".finding");
  insist((await findings.count()) >= 5, `the overview shows ${await findings.count()} findings`);
  for (const finding of await findings.all()) {
    const word = (await finding.locator(".state").innerText()).trim();
    insist(
      ["OK", "Warning", "Problem", "Unknown"].includes(word),
      `a finding's state reads ${JSON.stringify(word)}`,
    );
    insist((await finding.locator(".state svg").count()) === 1, "a finding's state has no icon");
  }
  const header = await visitor.page.locator("header").innerText();
  insist(
    header.includes(NAME) && header.includes("Role: admin"),
    `the header does not say who is signed in: ${header}`,
  );
  await visitor.insistFit("overview");
}

async function survivesReload(visitor) {
  await visitor.page.reload();
  await visitor.see("Overview");
  const enterprises = await visitor.page.locator("td", { hasText: "Demo-Paris" }).count();
  insist(enterprises === 1, `the rehearsal site's enterprise is listed ${enterprises} times`);
  await visitor.insistStill("overview");
}

async function previewsDialing(visitor) {
  await visitor.press("nav a[href='#/dialing']");
  await visitor.see("Dialing preview");
  insist(await visitor.isAt("main h1"), "the focus did not move to the dialing preview");
  await visitor.reach("#peer");
  await visitor.page.keyboard.type("Lyon");
  await visitor.fill("#to", "4711");
  await visitor.page.keyboard.press("Enter");
  const dialed = await visitor.page.locator(".dialed").innerText();
  insist(dialed === "0714711", `outgoing digit 0, prefix 71 and extension 4711 are dialed as ${dialed}`);
  insist(
    (await visitor.page.locator(".story li").count()) === 2,
    "the steps to what is dialed are not shown",
  );
  await visitor.insistFit("dialing");
}

async function signsOut(visitor) {
  await visitor.press("header button[data-does=sign-out]");
  await visitor.see("Sign in");
  await visitor.page.goBack();
  await visitor.see("Sign in");
  const cookies = await visitor.context.cookies();
  insist(cookies.length === 0, "the session's cookie is still there after signing out");
  await visitor.insistFit("sign in");
}

async function refusesWrongPassword(visitor) {
  await fillIn(visitor, { name: NAME, password: WRONG });
  await visitor.insistErrorAt("password", "Name or password is wrong");
  await visitor.insistFit("sign in refused");
}

async function signsIn(visitor) {
  await fillIn(visitor, { password: PASSWORD });
  await visitor.see("Dialing preview");
  await visitor.press("nav a[href='#/overview']");
  await visitor.see("Overview");
}

async function survivesAbsence(visitor) {
  await visitor.context.setOffline(true);
  await visitor.press(".findings ~ button");
  await visitor.page.getByText("The appliance cannot be reached").waitFor();
  await visitor.insistFit("out of reach");
  await visitor.context.setOffline(false);
  await visitor.press("main button");
  await visitor.page.locator(".findings").waitFor();
}

async function noticesTheEnd(visitor) {
  await visitor.context.clearCookies();
  await visitor.press(".findings ~ button");
  await visitor.see("Sign in");
  const text = await visitor.page.locator("main").innerText();
  insist(text.includes("Your session has ended"), `the sign-in page does not say why it came: ${text}`);
  await visitor.insistFit("session ended");
}

async function slowsDownGuessing(visitor) {
  await visitor.fill("#name", NAME);
  await visitor.fill("#password", WRONG);
  const told = visitor.page.locator(".outcome .notice");
  for (let guess = 0; guess < 8 && (await told.count()) === 0; guess += 1) {
    const answered = visitor.page.waitForResponse((response) => response.url().endsWith("/session"));
    await visitor.page.keyboard.press("Enter");
    await answered;
    await visitor.page.locator("#password-error:not([hidden]), .outcome .notice").first().waitFor();
  }
  await told.waitFor().catch(() => {
    throw new Error("guessing goes on and on");
  });
  insist(
    /Wait \d+ seconds?/.test(await told.innerText()),
    `nobody says when to try again: ${await told.innerText()}`,
  );
  insist(await visitor.isAt(".outcome .notice"), "the focus did not move to what is in the way");
  await visitor.insistFit("sign in slowed down");
}

async function tell(visitor) {
  for (const [title, act] of STORY) {
    await act(visitor).catch((cause) => {
      throw new Error(`${title}: ${cause.message}`, { cause });
    });
    console.log(`ok  ${title}`);
  }
}

if (base === undefined || code === undefined) {
  console.error("usage: node first_page.mjs BASE_URL CLAIM_CODE");
  process.exit(2);
}
await inBrowser(base, tell).catch((cause) => {
  console.error(`FAILED  ${cause.message}`);
  process.exitCode = 1;
});
