// Makes the pictures in docs/screenshots: see scripts/screenshots.
import { mkdirSync } from "node:fs";
import { ask, change_scene, cheaper_product, fill_catalogue, read_mira, settled, shop, until, use_dashboard } from "./stage.mjs";

const folder = new URL("../../docs/screenshots/", import.meta.url).pathname;
mkdirSync(folder, { recursive: true });

async function shoot(name, address, look, act = async () => {}) {
  await use_dashboard(address, async (page) => {
    await settled(page);
    await act(page);
    // Events never end, so that the network is never idle: what is waited for is the pictures that are in sight.
    await page.waitForFunction(() =>
      [...document.images].every((image) => image.naturalWidth > 0 || image.getBoundingClientRect().top > innerHeight),
    );
    await page.screenshot({ path: `${folder}${name}.png` });
  }, { deviceScaleFactor: 1, ...look });
}

const wide = { viewport: { width: 1200, height: 800 } };
const phone = { viewport: { width: 360, height: 720 } };

const [first, second] = (await ask("GET", "sites")).items;
const begin_run = (site) => ask("POST", `sites/${encodeURIComponent(site.name)}/run`);
const try_address = async (page) => {
  await page.getByRole("textbox", { name: "Address" }).fill(`${shop}/mira/`);
  await page.getByRole("button", { name: "Try", exact: true }).click();
  await page.locator(".probe-answer pre").waitFor();
  await page.locator(".probe").scrollIntoViewIfNeeded();
};

// One shop has been read; the overview shows the other one being read for the first time.
await shoot("overview", "#/overview", { ...wide, colorScheme: "light" }, async (page) => {
  await begin_run(first);
  await until(async () => (await ask("GET", "status")).runs.length === 0);
  await begin_run(second);
  await page.getByRole("article").filter({ hasText: second.name }).getByText("Embedding pictures").and(page.locator("[aria-current]")).waitFor();
});
await fill_catalogue();
for (let season = 0; season < 3; ++season) {
  await change_scene("season");
  await read_mira();
}
const product = await cheaper_product();
await shoot("product", `#/catalogue/${product.id}`, { ...wide, colorScheme: "light" });
await shoot("sites", "#/sites", { ...wide, colorScheme: "light" }, try_address);
await change_scene("trouble");
const run = await read_mira();
await shoot("run", `#/runs/${run.id}`, { ...wide, colorScheme: "dark" });
await shoot("catalogue", "#/catalogue", { ...wide, colorScheme: "light" });
await shoot("likeness", `#/catalogue?like=${product.id}`, { ...wide, colorScheme: "dark" });
await shoot("failures", "#/failures", { ...wide, colorScheme: "light" });
await shoot("phone", "#/overview", { ...phone, colorScheme: "light" });
