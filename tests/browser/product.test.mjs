// A product's page: its prices over time, its facts, and what is like it.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { ask, change_scene, cheaper_product, fill_catalogue, read_mira, use_dashboard } from "./stage.mjs";

let product;
before(async () => {
  await fill_catalogue();
  await change_scene("season");
  await read_mira();
  product = await cheaper_product();
});

test("the price history has the price before and the price now, each with its moment", async () => {
  await use_dashboard(`#/catalogue/${product.id}`, async (page, problems) => {
    await page.getByRole("heading", { level: 1, name: product.title }).waitFor();
    const [old, now] = product.history.slice(-2).map(({ price_amount }) => Number(price_amount));
    assert.equal(Math.round((old - now) * 100), 1000);
    const rows = page.getByRole("table", { name: "Prices, the latest first" }).locator("tbody tr");
    const shown = await rows.evaluateAll((all) => all.map((row) => [Date.parse(row.querySelector("time").dateTime), ...[...row.cells].map(({ textContent }) => textContent)]));
    assert.equal(shown.length, product.history.length);
    const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
    const row_of = ({ at }, price) => [Date.parse(at), clock.format(new Date(at)), `${price.toFixed(2)} EUR`, "in stock"];
    assert.deepEqual(shown.slice(0, 2), [row_of(product.history.at(-1), now), row_of(product.history.at(-2), old)]);
    assert.equal(await page.locator(".product-head .price").textContent(), `${now.toFixed(2)} EUR`);

    const highest = Number(product.history[0].price_amount);
    assert.deepEqual(await page.locator(".history-scale span").allTextContents(), [`${highest.toFixed(2)} EUR`, `${now.toFixed(2)} EUR`]);
    const line = await page.locator(".history-chart path").getAttribute("d");
    const heights = [...line.matchAll(/[MV](?:\S+ )?([\d.]+)/g)].map(([, y]) => Number(y));
    assert.equal(heights.length, product.history.length);
    assert(heights.every((y, i) => i === 0 || y > heights[i - 1]), `a falling price is drawn as ${line}`);
    assert.deepEqual(problems, []);
  });
});

test("more like this has the nearest products, best first, and not the product itself", async () => {
  await use_dashboard(`#/catalogue/${product.id}`, async (page) => {
    await page.getByRole("link", { name: "More like this" }).click();
    await page.getByText(`More like “${product.title}”`).waitFor();
    await page.getByText("nearest, best first").waitFor();
    const { results } = await ask("GET", `search?id=${product.id}&k=48`);
    assert(results.length > 1 && results.every(({ id }) => id !== product.id));
    const cards = page.locator(".card");
    const shown = await cards.evaluateAll((all) => all.map((card) => [card.querySelector(".card-link").getAttribute("href"), card.querySelector(".badge").textContent]));
    assert.deepEqual(shown, results.map(({ id, score }) => [`#/catalogue/${id}`, score.toFixed(3)]));
  });
});

test("a product that is not there is said in the daemon's words", async () => {
  await use_dashboard("#/catalogue/nothing", async (page) => {
    await page.getByText(/no such product.*nothing/).waitFor();
  });
});
