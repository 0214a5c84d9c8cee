// The overview's figures: of each site, and of all.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { ask, cells_of, change_scene, fill_catalogue, read_mira, terms_of, use_dashboard } from "./stage.mjs";

before(async () => {
  await fill_catalogue();
  await change_scene("season");
  await read_mira();
});

const row_of = (page, name) => page.getByRole("row").filter({ has: page.getByRole("rowheader", { name }) });

test("the table has each site's last success, next run, products, changes and coverage", async () => {
  await use_dashboard("#/overview", async (page, problems) => {
    const { items } = await ask("GET", "sites");
    const mira = items.find(({ name }) => name === "Mira");
    const row = row_of(page, "Mira");
    await row.waitFor();
    const [{ "Last success": last_success, "Next run": next_run, ...figures }] = await cells_of(row);
    assert.deepEqual(figures, { Products: "20", New: "1", Changed: "1", Gone: "1", Pictures: "100 %", Vectors: "100 %" });
    assert.match(last_success, /^(just now|\d+ (s|min) ago)$/);
    assert.match(next_run, /^1 Jan 2027$|^in \d+ d$|^1 Jan$/);
    const moments = await row.locator("time").evaluateAll((all) => all.map(({ dateTime }) => Date.parse(dateTime)));
    assert.deepEqual(moments, [Date.parse(mira.last_success), Date.parse(mira.next_run)]);
    assert.equal(await row.locator(".bar-meter .part").first().getAttribute("width"), "100");

    const [other] = await cells_of(row_of(page, "Atelier Nord"));
    assert.deepEqual([other.Products, other.Changed, other.Gone], ["40", "0", "0"]);
    assert.deepEqual(problems, []);
  });
});

test("the coverage of a site whose pictures are missing is not rounded up", async () => {
  await use_dashboard("#/overview", async (page) => {
    await page.route("**/api/v1/sites?*", async (route) => {
      const answer = await route.fetch();
      const { items, ...rest } = await answer.json();
      const less = items.map((site) => ({ ...site, coverage: { images: 0.999, vectors: 0.25 } }));
      await route.fulfill({ response: answer, json: { items: less, ...rest } });
    });
    await page.reload();
    const row = row_of(page, "Mira");
    await row.waitFor();
    const [{ Pictures, Vectors }] = await cells_of(row);
    assert.deepEqual([Pictures, Vectors], ["99 %", "25 %"]);
    assert.equal(await row.locator(".bar-meter .part").nth(1).getAttribute("width"), "25");
  });
});

test("the tiles sum up the catalogue, and the charts what has been done", async () => {
  await use_dashboard("#/overview", async (page) => {
    await page.getByText("Live", { exact: true }).waitFor();
    const { catalogue, images, outbox, version } = await ask("GET", "status");
    const tiles = await terms_of(page.locator(".tiles"));
    assert.deepEqual([tiles.Products, tiles["With a vector"], tiles.Model], [String(catalogue.products), "100 %", "small"]);
    await page.getByText(`${catalogue.gone} gone`, { exact: true }).waitFor();
    await page.getByText(`version ${version}`, { exact: true }).waitFor();
    const note = (title) => page.getByRole("figure").filter({ hasText: title }).locator(".chart-note").textContent();
    assert.match(await note("Pictures in the queue"), /^0 B of 128 MB$/);
    assert.equal(await note("Vectors to be made"), `${images.embedded} made since the start`);
    assert.equal(await note("Rows for the sink"), `${outbox.sent} sent since the start`);
  });
});
