// A real browser and what every view of the console must keep to, whatever it shows. Leaves out what a
// view is for: that is told in the stories beside this file.

import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

/** Where `install` puts the packages; outside of the source tree. */
const packages =
  process.env.JACKFIELD_NODE_MODULES ?? fileURLToPath(new URL("../../target/node_modules", import.meta.url));
if (!existsSync(packages)) throw new Error(`${packages} is missing: run tests/console/install first`);
const require = createRequire(`${packages}/`);
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const QUIET = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** How each view is looked at. The last one is a window of 1280 by 800 at 200 % zoom. */
const LOOKS = [
  { name: "light", scheme: "light", width: 1280, height: 800 },
  { name: "dark", scheme: "dark", width: 1280, height: 800 },
  { name: "phone", scheme: "light", width: 360, height: 740 },
  { name: "dark phone", scheme: "dark", width: 360, height: 740 },
  { name: "200 % zoom", scheme: "light", width: 640, height: 400 },
];

/** Enough for a page that other stories look at in the same frame. */
export const THREE_LOOKS = LOOKS.slice(0, 3);

/** Refusals that a story provokes; the browser itself logs each as an error. */
const PROVOKED = [
  [/\/api\/v1\/accounts\/acc-[a-z0-9]+$/, 412],
  [/\/api\/v1\/accounts\/acc-[a-z0-9]+\/(password|photo)$/, 422],
  ["/api/v1/admins", 422],
  [/\/api\/v1\/admins\/adm-[a-z0-9]+$/, 409],
  ["/api/v1/tokens", 422],
  ["/api/v1/settings", 403],
  ["/api/v1/accounts", 401],
  ["/api/v1/claim", 403],
  ["/api/v1/claim", 422],
  ["/api/v1/session", 401],
  ["/api/v1/session", 429],
  ["/api/v1/doctor", 401],
  ["/api/v1/enterprises", 401],
  ["/api/v1/plugins", 401],
  ["/api/v1/federation/servers:apply", 422],
  ["/api/v1/federation/certificate", 422],
  ["/api/v1/federation/servers/near.example:test", 422],
  ["/api/v1/enterprises", 422],
  ["/api/v1/pbx-nodes", 422],
  ["/api/v1/hooks/nine", 422],
  ["/api/v1/peers", 422],
  ["/api/v1/peering/invitations", 422],
  ["/api/v1/peering/invitations:accept", 422],
  ["/synchronizer", 404],
  [/\/peers\/[^/]+\/guard$/, 422],
  ["/api/v1/cloudlink", 422],
  ["/api/v1/teams", 422],
  ["/api/v1/teams/consent", 409],
  [/\/teams\/users\/[^/]+$/, 422],
];

/** Fails with a sentence unless a claim holds. */
export function insist(holds, sentence) {
  if (!holds) throw new Error(sentence);
}

/** Starts a browser, tells the story in it, and ends it whatever happens. */
export async function inBrowser(base, story) {
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: QUIET,
    timeout: 30_000,
  });
  try {
    return await story(new Visitor(base, browser));
  } finally {
    await browser.close();
  }
}

function fits(address, path) {
  return path instanceof RegExp ? path.test(address) : address.endsWith(path);
}

/** Tells a story, `[[title, act(visitor)], …]`, in a browser of its own; exit code 1 where it goes otherwise. */
export async function tellStory(base, story) {
  const tell = async (visitor) => {
    for (const [title, act] of story) {
      await act(visitor).catch((cause) => {
        throw new Error(`${title}: ${cause.message}`, { cause });
      });
      console.log(`ok  ${title}`);
    }
  };
  await inBrowser(base, tell).catch((cause) => {
    console.error(`FAILED  ${cause.message}`);
    process.exitCode = 1;
  });
}

/** Somebody at the console, with the keyboard only. */
class Visitor {
  constructor(base, browser) {
    Object.assign(this, { base, browser, secrets: [], faults: [] });
  }

  /** Opens a page of its own, watched from its first byte. */
  async open() {
    this.context = await this.browser.newContext({ ignoreHTTPSErrors: true, reducedMotion: "reduce" });
    this.page = await this.context.newPage();
    this.page.setDefaultTimeout(15_000);
    this.page.on("pageerror", (error) => this.faults.push(`the page threw: ${error.message}`));
    this.page.on("console", (message) => this.hear(message));
    this.page.on("request", (request) => this.watch(request.url()));
    await this.page.addInitScript(countShifts);
    await this.page.goto(this.base);
  }

  hear(message) {
    if (!["error", "warning"].includes(message.type())) return;
    const { url } = message.location();
    if (message.text().includes("net::ERR_INTERNET_DISCONNECTED")) return;
    const provoked = PROVOKED.some(
      ([path, status]) =>
        fits(url.split("?")[0], path) && message.text().includes(`a status of ${status} `),
    );
    if (!provoked) this.faults.push(`the browser's console says at ${url}: ${message.text()}`);
  }

  watch(url) {
    if (new URL(url).origin !== new URL(this.base).origin) this.faults.push(`a request left for ${url}`);
    if (this.secrets.some((secret) => decodeURIComponent(url).includes(secret)))
      this.faults.push("a password is in an address");
  }

  /** Waits until the view with this heading is there. */
  async see(heading) {
    await this.page
      .locator("main h1", { hasText: heading })
      .waitFor()
      .catch(async () => {
        const there = await this.page.locator("main").innerText();
        throw new Error(`the view ${JSON.stringify(heading)} does not come; there is: ${there}`);
      });
  }

  /** Moves with Tab until the focus is on what the selector means; the focus must be visible there. */
  async reach(selector) {
    for (let step = 0; step < 150; step += 1) {
      if (await this.isAt(selector)) return this.insistVisibleFocus(selector);
      await this.page.keyboard.press("Tab");
    }
    throw new Error(`${selector} cannot be reached with the Tab key`);
  }

  /** Signs in as somebody; the password must never be seen anywhere after that. */
  async signIn(name, password) {
    this.secrets.push(password);
    await this.open();
    await this.see("Sign in");
    await this.fill("#name", name);
    await this.fill("#password", password);
    await this.page.keyboard.press("Enter");
    await this.see("Overview");
  }

  /** Goes to an address of the console, as somebody who has it in their bookmarks. */
  async visit(address, heading) {
    await this.page.goto(new URL(address, this.base).href);
    await this.page.locator("main[aria-busy]").waitFor({ state: "detached" });
    await this.see(heading);
  }

  /** Chooses from a list box by the beginning of what it says. */
  async pick(selector, text) {
    await this.reach(selector);
    await this.page.keyboard.type(text);
  }

  /** Presses a button that asks first, and says yes; `typed` is what the question wants typed. */
  async confirmed(selector, typed = null) {
    await this.press(selector);
    await this.page.locator("dialog[open]").waitFor();
    if (typed !== null) await this.fill("#proof", typed);
    await this.press("dialog button.primary");
    await this.page.locator("dialog").waitFor({ state: "detached" });
  }

  /** Waits until the page greets with these words. */
  async greets(words) {
    await this.sees("main > .notice", words);
  }

  /** Waits until what the selector means says these words. */
  async sees(selector, words) {
    await this.page
      .locator(selector, { hasText: words })
      .first()
      .waitFor()
      .catch(async () => {
        throw new Error(`nothing says ${JSON.stringify(words)}: ${await this.page.locator("main").innerText()}`);
      });
  }

  async isAt(selector) {
    return this.page.evaluate((s) => document.activeElement?.matches(s) ?? false, selector);
  }

  async insistVisibleFocus(selector) {
    const outline = await this.page.evaluate(() => getComputedStyle(document.activeElement).outline);
    insist(
      !outline.includes("none") && !/\b0px/.test(outline),
      `${selector} does not show that it has the focus (${outline})`,
    );
  }

  /** Goes to a field and types; what was there is replaced. */
  async fill(selector, text) {
    await this.reach(selector);
    await this.page.keyboard.press("Control+A");
    await this.page.keyboard.type(text);
  }

  /** Goes to a button or link and presses it. */
  async press(selector) {
    await this.reach(selector);
    await this.page.keyboard.press("Enter");
  }

  /** Insists that a field shows an error with these words, is tied to it, and has the focus. */
  async insistErrorAt(field, words) {
    const error = this.page.locator(`#${field}-error`);
    await error.waitFor().catch(() => {
      throw new Error(`no error is shown at the field ${field}`);
    });
    const text = await error.innerText();
    insist(
      text.includes(words),
      `the error at ${field} is ${JSON.stringify(text)}, without ${JSON.stringify(words)}`,
    );
    const tied = `#${field}[aria-invalid="true"][aria-describedby~="${field}-error"]`;
    insist((await this.page.locator(tied).count()) === 1, `the field ${field} is not tied to its error`);
    insist(await this.isAt(`#${field}`), `the focus did not move to the field ${field}`);
  }

  /** Insists that this view is fit for everybody, in every look, and gives nothing away. */
  async insistFit(view, looks = LOOKS) {
    for (const look of looks) {
      await this.page.setViewportSize({ width: look.width, height: look.height });
      await this.page.emulateMedia({ colorScheme: look.scheme });
      await this.insistAccessible(`${view}, ${look.name}`);
      await this.insistNarrow(`${view}, ${look.name}`);
      await this.shoot(`${view}, ${look.name}`);
    }
    await this.page.setViewportSize({ width: 1280, height: 800 });
    await this.insistSecretsKept(view);
    insist(this.faults.length === 0, `${view}: ${this.faults.join("; ")}`);
  }

  async insistAccessible(what) {
    await this.page.evaluate(axe);
    const { violations } = await this.page.evaluate(() =>
      globalThis.axe.run(document, { resultTypes: ["violations"] }),
    );
    const said = violations.map((v) => `${v.help} (${v.id}): ${v.nodes.map((n) => n.html).join(", ")}`);
    insist(said.length === 0, `${what}: ${said.join("; ")}`);
  }

  async insistNarrow(what) {
    const over = await this.page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    insist(over <= 0, `${what}: the page is ${over} pixels wider than the window`);
  }

  async insistSecretsKept(view) {
    const kept = await this.page.evaluate(() =>
      [
        document.documentElement.outerHTML,
        location.href,
        JSON.stringify({ ...localStorage }),
        JSON.stringify({ ...sessionStorage }),
        document.cookie,
      ].join("\n"),
    );
    insist(
      !this.secrets.some((secret) => kept.includes(secret)),
      `${view}: a password is in the page, its address or its storage`,
    );
  }

  /** Insists that nothing moved by itself since the page was loaded. */
  async insistStill(view) {
    const shift = await this.page.evaluate(() => globalThis.shift);
    insist(shift < 0.01, `${view}: the layout shifts by ${shift.toFixed(3)} while it loads`);
  }

  /** Keeps a picture where somebody asked for pictures. */
  async shoot(what) {
    const folder = process.env.JACKFIELD_SHOTS;
    if (folder)
      await this.page.screenshot({
        path: `${folder}/${what.replaceAll(/[^a-z0-9]+/gi, "-")}.png`,
        fullPage: true,
      });
  }
}

/** Runs in the page: adds up how far content moves without anybody having done something. */
function countShifts() {
  globalThis.shift = 0;
  const add = (list) =>
    list
      .getEntries()
      .filter((e) => !e.hadRecentInput)
      .forEach((e) => {
        globalThis.shift += e.value;
      });
  new PerformanceObserver(add).observe({ type: "layout-shift", buffered: true });
}
