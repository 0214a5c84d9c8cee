// The list of runs, and one run that went badly after one that went well.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { ask, cells_of, change_scene, fill_catalogue, read_mira, terms_of, use_dashboard } from "./stage.mjs";

let well, badly;
before(async () => {
  await fill_catalogue();
  well = await read_mira();
  await change_scene("trouble");
  badly = await read_mira();
});

const section_of = (page, title) => page.locator("section").filter({ has: page.getByRole("heading", { name: title }) });
const is_seconds = /^\d+(\.\d)? s$/;

test("the list has both runs, the latest first, with what came of them", async () => {
  await use_dashboard("#/runs", async (page, problems) => {
    const rows = page.locator("tbody tr");
    await rows.first().waitFor();
    const names = await rows.getByRole("rowheader").allTextContents();
    assert.deepEqual(names.slice(0, 2), [`${badly.id} · manualMira`, `${well.id} · manualMira`]);
    const [of_badly, of_well] = await cells_of(rows);
    const told = ({ Started, Took, ...rest }) => {
      assert.match(Started, /just now|ago$/);
      assert.match(Took, is_seconds);
      return rest;
    };
    assert.deepEqual(told(of_well), { State: well.state, Products: "20", New: "0", Changed: "0", Gone: "0", Vectors: "0", "Rows sent": String(well.rows_sent), Errors: "0" });
    assert.deepEqual(told(of_badly), { State: "partly", Products: "6", New: "0", Changed: "1", Gone: "0", Vectors: "0", "Rows sent": String(badly.rows_sent), Errors: "2" });
    assert.deepEqual(problems, []);
  });
});

test("a run tells its outcome, and the difference from the last run", async () => {
  await use_dashboard(`#/runs/${badly.id}`, async (page) => {
    const outcome = section_of(page, `Outcome, and the difference from run ${well.id}`);
    await outcome.waitFor();
    assert.equal(await outcome.getByRole("link").getAttribute("href"), `#/runs/${well.id}`);
    const { "rows sent": sent, "rows refused": refused, "rows waiting": waiting, ...terms } = await terms_of(outcome);
    assert.deepEqual(terms, {
      read: "6 −14",
      new: "0 ±0",
      changed: "1 +1",
      unchanged: "5 −15",
      "back again": "0 ±0",
      gone: "0 ±0",
      skipped: "1 +1",
      "vectors made": "0 ±0",
      "pictures failed": "1 +1",
    });
    const rows = [badly.rows_sent, badly.rows_dead, badly.rows_waiting].map(String);
    assert.deepEqual([sent, refused, waiting].map((text) => text.split(" ")[0]), rows);
    assert.deepEqual(await outcome.locator(".worse").allTextContents(), ["+1", "+1"]);
    const summary = await page.locator(".run-summary").textContent();
    assert.match(summary, /^partlymanualstarted .*took \d/);
  });
});

test("errors and skipped products are grouped, each with one example", async () => {
  await use_dashboard(`#/runs/${badly.id}`, async (page) => {
    const groups = async (title, count, message, example) => {
      const section = section_of(page, title);
      await section.waitFor();
      const group = section.getByRole("listitem");
      assert.equal(await group.count(), 1, title);
      assert.equal(await group.locator(".badge").textContent(), `${count} ×`);
      assert.equal(await group.locator("strong").textContent(), message);
      assert.equal(await group.locator("pre").isVisible(), false);
      await group.getByText("An example").click();
      assert.match(await group.locator("pre").innerText(), example);
    };
    await groups("Errors: 2", 2, "cannot read the endpoint: …: the shop answered 404", /^cannot read the endpoint: http:\S+\/listings\/1\.json: the shop answered 404$/);
    await groups("Skipped: 1 item", 1, "no price", /^\d+ \(.+\)$/);
  });
});

test("a run without an error says so", async () => {
  await use_dashboard(`#/runs/${well.id}`, async (page) => {
    await section_of(page, "Errors").getByText("No error").waitFor();
    assert.equal(await page.getByRole("heading", { name: /^Skipped/ }).count(), 0);
  });
});

test("a run tells how long each stage took", async () => {
  const [first] = (await ask("GET", "runs?limit=200")).items.toReversed(); // the only ones with pictures to embed
  const { stages } = await ask("GET", `runs/${first.id}`);
  await use_dashboard(`#/runs/${first.id}`, async (page) => {
    const section = section_of(page, "Where the time went");
    await section.waitFor();
    const terms = await terms_of(section);
    assert.deepEqual(Object.keys(terms), ["Reading pages", "Comparing with what was there", "Waiting for pictures", "Waiting for the sink"]);
    for (const [i, text] of Object.values(terms).entries()) {
      assert.match(text, is_seconds);
      const step = stages[i].seconds < 10 ? 0.1 : 1;
      assert(Math.abs(parseFloat(text) - stages[i].seconds) <= step / 2 + 1e-9, `${text} for ${stages[i].seconds}`);
    }
    const widths = await section.locator("rect").evaluateAll((all) => all.map((part) => Number(part.getAttribute("width"))));
    const all = stages.reduce((sum, { seconds }) => sum + seconds, 0);
    assert(all > 0);
    assert.deepEqual(widths.map(Math.round), stages.map(({ seconds }) => Math.round((seconds / all) * 1000)));
  });
});

test("a run tells what each site came to", async () => {
  await use_dashboard(`#/runs/${badly.id}`, async (page) => {
    await page.getByRole("heading", { name: "By site" }).waitFor();
    const rows = page.getByRole("row").filter({ has: page.getByRole("rowheader", { name: "Mira" }) });
    const [{ Took, ...figures }] = await cells_of(rows);
    assert.match(Took, is_seconds);
    assert.deepEqual(figures, { Listings: "1 of 3", Pages: "1", Unchanged: "0", Products: "6", New: "0", Changed: "1", Gone: "0", Skipped: "1", Remarks: "2 errors" });
  });
});
