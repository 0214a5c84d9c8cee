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

/** What the overview shows of a run until it has ended, each time that it changes. */
async function watch_run(page) {
  return page.evaluate(async () => {
    const text = (element) => element.textContent;
    const number = (element) => Number(text(element).replace(/\D/g, ""));
    const seen = [];
    for (;;) {
      const run = document.querySelector("article.run-live");
      if (run === null) return seen;
      const numbers = [...run.querySelectorAll(".run-numbers > div")].map((each) => [text(each.querySelector("dt")), number(each.querySelector("dd"))]);
      const now = {
        stage: text(run.querySelector(".stages [aria-current]")),
        numbers: Object.fromEntries(numbers),
        progress: run.querySelector("progress").position, // -1: not known yet
        sites: [...run.querySelectorAll(".running-sites li")].map(text),
      };
      if (JSON.stringify(now) !== JSON.stringify(seen.at(-1))) seen.push(now);
      await new Promise((wake) => setTimeout(wake, 50));
    }
  });
}

function assert_grows(numbers, what) {
  assert(numbers.every((value, i) => i === 0 || value >= numbers[i - 1]), `${what} went back: ${numbers}`);
  assert(new Set(numbers).size >= 3, `${what} was not seen to grow: ${numbers}`);
}

/** A line's points, [x, y]; y grows downwards. */
function points_of(path) {
  return path.slice(1).split("L").map((point) => point.split(" ").map(Number));
}

test("a run that is begun on one page shows its progress on another, and its end in the list", async () => {
  await use_dashboard("#/sites", async (page, problems) => {
    const [{ name }] = (await ask("GET", "sites")).items;
    await page.getByRole("button", { name: `Run now ${name}` }).click();
    await page.getByText(/^Run \d+ reads /).waitFor();
    await page.getByRole("link", { name: "Overview", exact: true }).click();

    const run = page.getByRole("article");
    await run.waitFor();
    const id = Number((await run.getByRole("link").first().textContent()).replace("Run ", ""));
    const seen = await watch_run(page);
    await page.getByText("No run is under way.").waitFor();

    const { products, images_embedded } = await ask("GET", `runs/${id}`);
    assert(products > 0);
    assert_grows(seen.map(({ numbers }) => numbers.vectors), "the number of vectors");
    assert_grows(seen.map(({ numbers }) => numbers["rows sent"]), "the number of rows sent");
    assert.equal(seen.at(-1).numbers.products, products);
    assert.equal(seen.at(-1).numbers.new, products);
    assert(seen.at(-1).numbers.vectors <= images_embedded);
    const parts = seen.map(({ progress }) => progress);
    assert(parts[0] < 1 || seen[0].numbers.vectors > 0, `the bar began full: ${parts}`);
    assert(new Set(parts.filter((part) => part > 0 && part < 1)).size >= 2, `the bar did not get on: ${parts}`);
    assert(seen.some(({ stage }) => stage === "Embedding pictures"), `the stages: ${seen.map(({ stage }) => stage)}`);
    assert.match(seen.at(-1).sites[0], new RegExp(`^${name}read${products} products, \\d+ pages$`));

    for (const title of ["Pictures in the queue", "Vectors to be made", "Rows for the sink"]) {
      const chart = page.getByRole("figure").filter({ hasText: title });
      const points = points_of(await chart.locator(".chart-line").getAttribute("d"));
      const heights = new Set(points.map(([, y]) => y));
      assert(points.every(([x, y]) => x >= 0 && x <= 300 && y >= 0 && y <= 64), `${title}: ${points.join(" ")}`);
      assert(points.every(([x], i) => i === 0 || x >= points[i - 1][0]), `${title} goes back: ${points.join(" ")}`);
      assert(points.length >= 4 && heights.size >= 2, `${title} draws ${points.join(" ")}`);
      assert(Number(await chart.locator(".chart-top").textContent()) > 0, `${title} does not name its highest point`);
    }
    const pending = page.getByRole("figure").filter({ hasText: "Vectors to be made" });
    await pending.getByText(`${images_embedded} made since the start`).waitFor();

    await page.getByRole("link", { name: "Runs", exact: true }).click();
    await page.getByRole("link", { name: `${id} · manual` }).click();
    await page.getByRole("heading", { name: `Run ${id}` }).waitFor();
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
