// Sites: pause and resume, over a reload; an address that is tried.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { ask, fill_catalogue, shop, use_dashboard } from "./stage.mjs";

before(fill_catalogue);

test("a site is paused and resumed", async () => {
  const [{ name }] = (await ask("GET", "sites")).items;
  const paused = async () => (await ask("GET", `sites/${encodeURIComponent(name)}`)).paused;
  await use_dashboard("#/sites", async (page, problems) => {
    await page.getByRole("button", { name: `Pause ${name}` }).click();
    await page.getByRole("button", { name: `Resume ${name}` }).waitFor();
    assert.equal(await paused(), true);
    await page.reload();
    await page.getByRole("article", { name }).getByText("paused", { exact: true }).first().waitFor();
    await page.getByRole("button", { name: `Resume ${name}` }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: `Pause ${name}` }).waitFor();
    assert.equal(await paused(), false);
    assert.deepEqual(problems, []);
  });
});

test("an address is tried, and what cannot be tried is said", async () => {
  await use_dashboard("#/sites", async (page) => {
    await page.getByRole("textbox", { name: "Address" }).fill(`${shop}/mira/products.json?limit=250&page=1`);
    await page.getByRole("button", { name: "Try", exact: true }).click();
    const answer = page.locator(".probe-answer");
    await answer.locator("pre, [role=alert]").first().waitFor({ timeout: 90_000 });
    assert.match(await answer.textContent(), /sites\.yaml|private|refuse|address/);
  });
});
