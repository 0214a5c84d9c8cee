// The catalogue: filters, and search by words, by a picture, by likeness.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { ask, fill_catalogue, url, token, use_dashboard } from "./stage.mjs";

before(fill_catalogue);

test("filters narrow the grid, and the address keeps them", async () => {
  await use_dashboard("#/catalogue", async (page, problems) => {
    const { items } = await ask("GET", "sites");
    const [{ name, products }] = items.filter((site) => site.products > 0);
    await page.locator(".card").first().waitFor();
    await page.getByLabel("Site").selectOption(name);
    await page.getByText(`${products} products`, { exact: true }).waitFor();
    await page.reload();
    await page.getByText(`${products} products`, { exact: true }).waitFor();
    const broken = await page.locator(".card img").evaluateAll((images) => images.filter((image) => image.complete && image.naturalWidth === 0).length);
    assert.equal(broken, 0, "pictures that were not shown");
    assert.deepEqual(problems, []);
  });
});

test("search by words shows what the API finds, in its order", async () => {
  await use_dashboard("#/catalogue", async (page) => {
    await page.getByLabel("Search", { exact: true }).fill("red coat");
    await page.keyboard.press("Enter");
    await page.getByText("nearest, best first").waitFor();
    const { results } = await ask("GET", "search?text=red+coat&k=48");
    assert(results.length > 1);
    assert.deepEqual(await page.locator(".card-title").allTextContents(), results.map(({ title }) => title));
  });
});

test("search by an uploaded picture finds the product whose picture it is", async () => {
  const { items } = await ask("GET", "products?limit=5");
  const product = await ask("GET", `products/${items[3].id}`);
  const buffer = Buffer.from(await (await fetch(product.image_url)).arrayBuffer());
  await use_dashboard("#/catalogue", async (page, problems) => {
    await page.locator("input[type=file]").setInputFiles({ name: "photo.jpg", mimeType: "image/jpeg", buffer });
    await page.getByText("Looks like your picture").waitFor();
    await page.getByText("nearest, best first").waitFor();
    const first = page.locator(".card").first();
    assert.equal(await first.locator(".card-title").textContent(), product.title);
    assert(Number(await first.locator(".badge").first().textContent()) > 0.99);
    assert.deepEqual(problems, []);
  });
});

test("a picture may be dropped onto the page", async () => {
  const { items } = await ask("GET", "products?limit=1");
  const bytes = await (await fetch(`${url}api/v1/products/${items[0].id}/thumbnail`, { headers: { Authorization: `Bearer ${token}` } })).arrayBuffer();
  await use_dashboard("#/catalogue", async (page) => {
    await page.locator(".card").first().waitFor();
    await page.evaluate((values) => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(values)], "photo.jpg", { type: "image/jpeg" }));
      document.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
    }, [...new Uint8Array(bytes)]);
    await page.getByText("Looks like your picture").waitFor();
    await page.getByText("nearest, best first").waitFor();
  });
});

test("a file that is no picture is refused in the daemon's words", async () => {
  await use_dashboard("#/catalogue", async (page) => {
    const file = { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("not a picture") };
    await page.locator("input[type=file]").setInputFiles(file);
    await page.locator(".results [role=alert]").waitFor();
  });
});

test("the answer to an earlier question does not replace that to a later one", async () => {
  await use_dashboard("#/overview", async (page) => {
    let let_it_come;
    const may_come = new Promise((come) => (let_it_come = come));
    await page.route("**/api/v1/products?*", async (route) => {
      await may_come;
      await route.continue();
    });
    await page.goto(`${url}#/catalogue`);
    await page.locator("input[type=file]").setInputFiles({ name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("no") });
    await page.locator(".results [role=alert]").waitFor();
    const late = page.waitForResponse("**/api/v1/products?*count=true*");
    let_it_come();
    await late;
    await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
    assert.equal(await page.locator(".results .card").count(), 0);
    await page.locator(".results [role=alert]").waitFor();
  });
});

test("more like this leaves the product itself out; its page tells its price", async () => {
  await use_dashboard("#/catalogue", async (page) => {
    const card = page.locator(".card").first();
    const title = await card.locator(".card-title").textContent();
    await card.locator(".card-link").click();
    await page.getByRole("heading", { level: 1, name: title }).waitFor();
    await page.getByRole("heading", { name: "Price history" }).waitFor();
    const id = decodeURIComponent(page.url().split("/").at(-1));
    await page.getByRole("link", { name: "More like this" }).click();
    await page.getByText(`More like “${title}”`).waitFor();
    await page.getByText("nearest, best first").waitFor();
    const links = await page.locator(".card-link").evaluateAll((all) => all.map((a) => a.getAttribute("href")));
    assert(links.length > 1 && !links.some((link) => link.includes(id)));
  });
});
