// Every page and what comes up on it, light and dark, wide and on a phone: axe finds nothing serious, nothing is wider
// than the screen, and the keyboard reaches what there is.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { assert_accessible } from "./accessible.mjs";
import { change_scene, cheaper_product, fill_catalogue, open, read_mira, settled, shop, use_dashboard, use_page, url } from "./stage.mjs";

let well, badly, product;
before(async () => {
  await fill_catalogue();
  await change_scene("season");
  well = await read_mira();
  await change_scene("trouble");
  badly = await read_mira();
  product = await cheaper_product();
});

test("nothing serious at the login, where the token is wrong", async () => {
  await use_page({}, async (page) => {
    await page.goto(url);
    await page.getByLabel("Token").fill("not the token");
    await page.keyboard.press("Enter");
    await page.getByText("That is not the daemon's token.").waitFor();
    await assert_accessible(page, "the login");
  });
});

test("nothing serious on any page", async () => {
  const addresses = ["#/overview", "#/runs", `#/runs/${well.id}`, "#/catalogue", `#/catalogue?like=${product.id}`, "#/failures", "#/sites", "#/nowhere"];
  await use_dashboard("#/sites", async (page) => {
    for (const address of addresses) {
      await open(page, address);
      await assert_accessible(page, address);
    }
  });
});

test("nothing serious on a run that went badly, its examples open", async () => {
  await use_dashboard("#/runs", async (page) => {
    await open(page, `#/runs/${badly.id}`);
    for (const example of await page.getByText("An example").all()) await example.click();
    assert.equal(await page.locator(".groups pre:visible").count(), 2);
    await assert_accessible(page, "the run");
  });
});

test("nothing serious on a product with a price history", async () => {
  await use_dashboard("#/runs", async (page) => {
    await open(page, `#/catalogue/${product.id}`);
    await page.locator(".history-chart").waitFor();
    await assert_accessible(page, "the product");
  });
});

test("nothing serious on what a search finds, does not find, and refuses", async () => {
  await use_dashboard("#/runs", async (page) => {
    await open(page, "#/catalogue?text=red+coat");
    await page.locator(".card .badge").first().waitFor();
    await assert_accessible(page, "what was found");
    await open(page, "#/catalogue?q=nothing+is+called+this");
    await page.getByText("No product matches").waitFor();
    await assert_accessible(page, "nothing found");
    await page.locator("input[type=file]").setInputFiles({ name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("no") });
    await page.locator(".results [role=alert]").waitFor();
    await page.locator(".asked img").waitFor();
    await assert_accessible(page, "a picture that is none");
  });
});

test("nothing serious on an address that was tried", async () => {
  await use_dashboard("#/sites", async (page) => {
    await settled(page);
    const tries = [
      [`${shop}/mira/products.json`, "pre"],
      [`${shop}/nothing`, "[role=alert]"],
    ];
    for (const [address, answer] of tries) {
      await page.getByRole("textbox", { name: "Address" }).fill(address);
      await page.getByRole("button", { name: "Try", exact: true }).click();
      await page.locator(`.probe-answer ${answer}`).waitFor({ timeout: 90_000 });
      await assert_accessible(page, address);
    }
  });
});

test("nothing serious in a dialog", async () => {
  await use_dashboard("#/failures", async (page) => {
    await page.getByRole("button", { name: /^Drop/ }).first().click();
    await page.getByRole("dialog").waitFor();
    await assert_accessible(page, "the question");
    await page.keyboard.press("Escape");
    await page.locator(".letter summary", { hasText: "The row" }).first().click();
    await page.locator(".letter pre").waitFor();
    await assert_accessible(page, "the row");
  });
});

test("nothing serious where the daemon says no, or nothing", async () => {
  await use_dashboard("#/runs", async (page) => {
    for (const address of ["#/runs/999", "#/catalogue/nothing"]) {
      await open(page, address);
      await page.getByRole("alert").getByText(/no such/).waitFor();
      await assert_accessible(page, address);
    }
    await page.route("**/api/v1/sites?*", (route) => route.abort());
    await page.route("**/api/v1/sites/*/pause", (route) => route.abort());
    await open(page, "#/overview");
    await page.getByRole("button", { name: "Try again" }).waitFor();
    await assert_accessible(page, "no answer");
    await page.unroute("**/api/v1/sites?*");
    await open(page, "#/sites");
    await page.getByRole("button", { name: /^Pause/ }).first().click();
    await page.locator(".notice-failed").waitFor();
    await assert_accessible(page, "a message");
  });
});

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
