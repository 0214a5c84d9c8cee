// Sites: pause and resume, over a reload; an address that is tried.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { ask, change_scene, fill_catalogue, shop, use_dashboard } from "./stage.mjs";

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

/** Tries an address; the panel's answer once `wanted` is in it. */
async function try_address(page, address, wanted) {
  await page.getByRole("textbox", { name: "Address" }).fill(address);
  await page.getByRole("button", { name: "Try", exact: true }).click();
  const answer = page.locator(".probe-answer");
  await answer.locator(wanted).waitFor({ timeout: 90_000 });
  return answer;
}

test("an address that is tried shows the rows that would be read, and the stanza that reads them", async () => {
  await use_dashboard("#/sites", async (page, problems) => {
    const answer = await try_address(page, `${shop}/mira/products.json?limit=250&page=1`, "pre");
    assert.equal(await answer.getByRole("alert").count(), 0);
    assert.equal(await answer.getByRole("paragraph").textContent(), "This is shopify. It would be read as:");
    const rows = await answer.locator(".probe-row").evaluateAll((all) =>
      all.map((row) => Object.fromEntries([...row.querySelectorAll("dt")].map((term) => [term.textContent, term.nextElementSibling.textContent]))),
    );
    const { products } = await (await fetch(`${shop}/mira/products.json?limit=3`)).json();
    assert.deepEqual(rows.map(({ title }) => title), products.map(({ title }) => title));
    const [{ id, source, ...row }] = rows;
    assert.match(id, /^[0-9a-f]{64}$/);
    assert.equal(source, "127.0.0.1");
    assert.deepEqual(row, {
      availability: "in_stock",
      brand: "Mira",
      category: products[0].product_type,
      currency: "EUR",
      description: products[0].body_html.replace(/<\/?p>/g, ""),
      gender: products[0].tags[0],
      image_url: products[0].images[0].src,
      price: `${products[0].variants[0].price}EUR`,
      product_url: `${shop}/mira/products/${products[0].handle}`,
      second_hand: "false",
      title: products[0].title,
    });
    assert.equal(await answer.locator("pre").textContent(), `- brand: "127.0.0.1"\n  source: "127.0.0.1"\n  shopify: "${shop}/mira"\n`);
    assert.deepEqual(problems, []);
  });
});

test("an address that cannot be read is said to be one", async () => {
  await use_dashboard("#/sites", async (page) => {
    const answer = await try_address(page, `${shop}/nothing`, "[role=alert]");
    assert.match(await answer.textContent(), /there is no such page: .*answered 404/);
    assert.equal(await answer.locator("pre").count(), 0);
  });
});

test("a private address is refused by a daemon that guards against them", async () => {
  await change_scene("guard");
  try {
    await use_dashboard("#/sites", async (page) => {
      const answer = await try_address(page, `${shop}/mira/products.json`, "[role=alert]");
      assert.match(await answer.textContent(), /the address 127\.0\.0\.1:\d+ is not public: loopback/);
      assert.equal(await answer.locator("pre, .probe-row").count(), 0);
    });
  } finally {
    await change_scene("unguard");
  }
});
