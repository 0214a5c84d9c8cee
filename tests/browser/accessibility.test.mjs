// Every page, light and dark, wide and on a phone: axe finds nothing serious, nothing is wider than the screen, and the
// keyboard reaches what there is.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { ask, fill_catalogue, serious_findings, url, use_dashboard, use_page } from "./stage.mjs";

before(fill_catalogue);

const looks = [
  { name: "light", viewport: { width: 1280, height: 900 }, colorScheme: "light" },
  { name: "dark", viewport: { width: 1280, height: 900 }, colorScheme: "dark" },
  { name: "phone", viewport: { width: 320, height: 640 }, colorScheme: "light" },
  { name: "phone, dark", viewport: { width: 320, height: 640 }, colorScheme: "dark" },
];

for (const { name, ...look } of looks) {
  test(`nothing serious on any page: ${name}`, async () => {
    const [{ id }] = (await ask("GET", "products?limit=1")).items;
    const [run] = (await ask("GET", "runs?limit=1")).items;
    const addresses = ["#/overview", "#/runs", `#/runs/${run.id}`, "#/catalogue", `#/catalogue?like=${id}`, `#/catalogue/${id}`, "#/failures", "#/sites", "#/nowhere"];
    await use_dashboard("#/overview", async (page) => {
      for (const address of addresses) {
        await page.goto(url + address);
        await page.waitForFunction(() => document.querySelector("main h1") && !document.querySelector("main [aria-busy]"));
        assert.deepEqual(await serious_findings(page), [], address);
        const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert(beyond <= 0, `${address} is ${beyond} pixels wider than the screen`);
      }
    }, look);
    await use_page(look, async (page) => {
      await page.goto(url);
      await page.getByLabel("Token").waitFor();
      assert.deepEqual(await serious_findings(page), [], "the login");
    });
  });
}

test("the first stop of the keyboard skips to the content", async () => {
  await use_dashboard("#/overview", async (page) => {
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the content");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.tagName), "MAIN");
  });
});

test("the switch of colours is kept", async () => {
  await use_dashboard("#/overview", async (page) => {
    const paper = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const light = await paper();
    await page.getByRole("button", { name: /^Colours/ }).click(); // light
    await page.getByRole("button", { name: /^Colours/ }).click(); // dark
    const dark = await paper();
    assert.notEqual(dark, light);
    await page.reload();
    assert.equal(await paper(), dark);
  }, { colorScheme: "light" });
});
