// The browser, and what tests/integration/test_dashboard.py has put up for it.
import { createRequire } from "node:module";

export const require = createRequire(new URL("../../build/browser/", import.meta.url));
const { chromium } = require("playwright-core");

export const url = process.env.CATWALK_TEST_URL;
export const token = process.env.CATWALK_TEST_TOKEN;
export const shop = process.env.CATWALK_TEST_SHOP;

const kept_ms = 500;
let browser = null; // a promise; it is closed where nobody has used it for a moment
let closing;

/** Chromium's sandbox needs a user other than root. */
function take_browser() {
  clearTimeout(closing);
  const args = process.getuid() === 0 ? ["--no-sandbox"] : [];
  browser ??= chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args });
  return browser;
}

function give_browser_back() {
  closing = setTimeout(async () => {
    const unused = await browser;
    browser = null;
    await unused.close();
  }, kept_ms);
}

/**
 * use_page(options, act): calls act(page, problems) with a page that nobody has logged in on; `problems` collects what
 * the console and the policy complain about, and requests to anybody but the daemon.
 */
export async function use_page(options, act) {
  const context = await (await take_browser()).newContext({ viewport: { width: 1280, height: 900 }, ...options });
  try {
    const page = await context.newPage();
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
    await context.close();
    give_browser_back();
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

/** Goes on to another page of the dashboard, and waits for what it shows. */
export async function open(page, address) {
  const before = await page.locator("main > *").elementHandle();
  await page.goto(url + address);
  await page.waitForFunction((left) => !left.isConnected, before);
  await settled(page);
}

/** Waits until nothing of the page is on the way any more. */
export async function settled(page) {
  await page.waitForFunction(() => document.querySelector("main > .page") && !document.querySelector("main [aria-busy]"));
}

/** A table's row, or each of its rows, as { column: text }. */
export async function cells_of(rows) {
  const read = (all) => all.map((row) => Object.fromEntries([...row.querySelectorAll("[data-label]")].map((cell) => [cell.dataset.label, cell.textContent])));
  return rows.evaluateAll(read);
}

/** A list of terms as { term: text }. */
export async function terms_of(list) {
  return Object.fromEntries(await list.locator("dt").evaluateAll((all) => all.map((term) => [term.textContent, term.parentElement.querySelector("dd").textContent])));
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
  await until(async () => {
    const { runs, images, catalogue } = await ask("GET", "status");
    return runs.length === 0 && images.pending === 0 && catalogue.products > 0;
  });
}

/** Reads Mira, the shop that changes with the scene, and looks for what is gone; the run's report. */
export async function read_mira() {
  const { run } = await ask("POST", "sites/Mira/run", { sync: true });
  await until(async () => (await ask("GET", `runs/${run}`)).state !== "running");
  await fill_catalogue();
  return ask("GET", `runs/${run}`);
}

/** The product of Mira's that a season has made cheaper. */
export async function cheaper_product() {
  const { items } = await ask("GET", "products?site=Mira&limit=200");
  const all = await Promise.all(items.map(({ id }) => ask("GET", `products/${id}`)));
  return all.find(({ history }) => history.some(({ change }) => change === "price"));
}

/**
 * Has test_dashboard.py change the scene. The daemon: "stop", "start", "guard" and "unguard" (it refuses private
 * addresses or does not). The sink: "accept". Mira: "season" (one product is 10.00 cheaper, one gone, one new),
 * "trouble" (two listings, a picture and a price are lost).
 */
export async function change_scene(action) {
  const answer = await fetch(process.env.CATWALK_TEST_STAGE + action, { method: "POST" });
  if (!answer.ok) throw new Error(`${action}: ${answer.statusText}`);
}
