// The browser, and what tests/integration/test_dashboard.py has put up for it.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(new URL("../../build/browser/", import.meta.url));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

export const url = process.env.CATWALK_TEST_URL;
export const token = process.env.CATWALK_TEST_TOKEN;
export const shop = process.env.CATWALK_TEST_SHOP;

/** Chromium's sandbox needs a user other than root. */
export async function launch() {
  const args = process.getuid() === 0 ? ["--no-sandbox"] : [];
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args });
}

/**
 * use_page(options, act): calls act(page, problems) with a page that nobody has logged in on; `problems` collects what
 * the console and the policy complain about, and requests to anybody but the daemon.
 */
export async function use_page(options, act) {
  const browser = await launch();
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...options });
    page.setDefaultTimeout(30_000);
    const problems = [];
    page.on("pageerror", (error) => problems.push(`error: ${error.message}`));
    page.on("console", (message) => {
      if (/Content Security Policy/.test(message.text())) problems.push(message.text());
    });
    page.on("request", (request) => {
      if (!request.url().startsWith(url) && !request.url().startsWith("blob:")) problems.push(`asks ${request.url()}`);
    });
    await act(page, problems);
  } finally {
    await browser.close();
  }
}

/** The same with a session, on the page that the address names ("#/runs"). */
export async function use_dashboard(address, act, options = {}) {
  await use_page(options, async (page, problems) => {
    await page.goto(`${url}#token=${encodeURIComponent(token)}`);
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    if (address !== "#/overview") await page.goto(url + address);
    await act(page, problems);
  });
}

/** Asks the API; what it answers, or throws. */
export async function ask(method, path, body) {
  const answer = await fetch(`${url}api/v1/${path}`, {
    method,
    headers: { Authorization: `Bearer ${token}`, ...(body && { "Content-Type": "application/json" }) },
    body: body && JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

/** Waits for a condition of the daemon's, asked every 200 ms. */
export async function until(condition, seconds = 120) {
  const end = Date.now() + seconds * 1000;
  while (Date.now() < end) {
    const value = await condition();
    if (value) return value;
    await new Promise((wake) => setTimeout(wake, 200));
  }
  throw new Error(`it did not come true within ${seconds} s: ${condition}`);
}

/** Makes sure that the catalogue has products and their vectors, and that no run is under way. */
export async function fill_catalogue() {
  const { items } = await ask("GET", "sites");
  for (const site of items.filter(({ products, state }) => products === 0 && state !== "running"))
    await ask("POST", `sites/${encodeURIComponent(site.name)}/run`);
  return until(async () => {
    const status = await ask("GET", "status");
    return status.runs.length === 0 && status.images.pending === 0 && status.catalogue.products > 0 && status;
  });
}

/** Has test_dashboard.py change the scene: "stop", "start", "accept". */
export async function change_scene(action) {
  const answer = await fetch(process.env.CATWALK_TEST_STAGE + action, { method: "POST" });
  if (!answer.ok) throw new Error(`${action}: ${answer.statusText}`);
}

/** What axe finds that is serious, as lines of text. */
export async function serious_findings(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(" ")}: ${node.failureSummary}`));
}
