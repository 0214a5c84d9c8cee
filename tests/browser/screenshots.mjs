// Makes the pictures in docs/screenshots: see scripts/screenshots.
import { mkdirSync } from "node:fs";
import { ask, fill_catalogue, until, use_dashboard } from "./stage.mjs";

const folder = new URL("../../docs/screenshots/", import.meta.url).pathname;
mkdirSync(folder, { recursive: true });

async function shoot(name, address, look, act = async () => {}) {
  await use_dashboard(address, async (page) => {
    await page.waitForFunction(() => document.querySelector("main h1") && !document.querySelector("main [aria-busy]"));
    await act(page);
    // Events never end, so that the network is never idle: what is waited for is the pictures that are in sight.
    await page.waitForFunction(() =>
      [...document.images].every((image) => image.complete || image.getBoundingClientRect().top > innerHeight),
    );
    await page.screenshot({ path: `${folder}${name}.png` });
  }, { deviceScaleFactor: 1, ...look });
}

const wide = { viewport: { width: 1200, height: 800 } };
const phone = { viewport: { width: 360, height: 720 } };

// One shop has been read; the overview shows the other one being read for the first time.
const [first, second] = (await ask("GET", "sites")).items;
const begin_run = (site) => ask("POST", `sites/${encodeURIComponent(site.name)}/run`);
await begin_run(first);
await until(async () => (await ask("GET", "status")).runs.length === 0);
await shoot("overview", "#/overview", { ...wide, colorScheme: "light" }, async (page) => {
  await begin_run(second);
  await page.getByRole("article").waitFor();
});
await fill_catalogue();
const [run] = (await ask("GET", "runs?limit=1")).items;
const [product] = (await ask("GET", "products?limit=1")).items;
await shoot("run", `#/runs/${run.id}`, { ...wide, colorScheme: "dark" });
await shoot("catalogue", "#/catalogue", { ...wide, colorScheme: "light" });
await shoot("likeness", `#/catalogue?like=${product.id}`, { ...wide, colorScheme: "dark" });
await shoot("failures", "#/failures", { ...wide, colorScheme: "light" });
await shoot("phone", "#/overview", { ...phone, colorScheme: "light" });
