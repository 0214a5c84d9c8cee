// First load, and a run as it gets on.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, use_dashboard } from "./stage.mjs";

test("the first load shows what there is and asks nobody but the daemon", async () => {
  await use_dashboard("#/overview", async (page, problems) => {
    const { items } = await ask("GET", "sites");
    assert(items.length > 0);
    for (const { name } of items) await page.getByRole("rowheader", { name }).waitFor();
    await page.getByText("Live", { exact: true }).waitFor();
    assert.deepEqual(problems, []);
  });
});

test("a run that is begun on one page shows its progress on another, and its end in the list", async () => {
  await use_dashboard("#/sites", async (page, problems) => {
    const [{ name }] = (await ask("GET", "sites")).items;
    await page.getByRole("button", { name: `Run now ${name}` }).click();
    await page.getByText(/^Run \d+ reads /).waitFor();
    await page.getByRole("link", { name: "Overview", exact: true }).click();

    const run = page.getByRole("article");
    await run.waitFor();
    const id = Number((await run.getByRole("link").first().textContent()).replace("Run ", ""));
    // The sum of the numbers that the page shows while the run goes on, as they appear.
    const seen = await page.evaluate(async () => {
      const numbers = [];
      for (;;) {
        const shown = [...document.querySelectorAll("article.run-live dd")];
        if (shown.length === 0) return numbers;
        const number = shown.reduce((sum, { textContent }) => sum + Number(textContent.replace(/\D/g, "")), 0);
        if (numbers.at(-1) !== number) numbers.push(number);
        await new Promise((wake) => setTimeout(wake, 50));
      }
    });
    assert(seen.length >= 2 && seen.at(-1) > seen[0], `no progress was seen: ${seen}`);
    await page.getByText("No run is under way.").waitFor();

    await page.getByRole("link", { name: "Runs", exact: true }).click();
    await page.getByRole("link", { name: `${id} · manual` }).click();
    await page.getByRole("heading", { name: `Run ${id}` }).waitFor();
    const { products } = await ask("GET", `runs/${id}`);
    assert(products > 0);
    await page.getByRole("heading", { name: "By site" }).waitFor();
    assert.equal(await page.locator(".outcomes dd strong").first().textContent(), String(products));
    assert.deepEqual(problems, []);
  });
});

test("a run that is not there is said in the daemon's words", async () => {
  await use_dashboard("#/runs/999", async (page) => {
    await page.getByText(/no such run.*999/).waitFor();
  });
});
