// Rows that the sink refused: one is sent again, one is dropped after a question, the rest goes at once.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { ask, change_scene, fill_catalogue, until, use_dashboard } from "./stage.mjs";

before(fill_catalogue);
const total = async () => (await ask("GET", "failures?limit=1")).total;

test("refused rows are shown with the sink's words, retried and dropped", async () => {
  const refused = await until(total);
  assert(refused >= 3, `the stage refuses too few rows: ${refused}`);
  await use_dashboard("#/failures", async (page, problems) => {
    await page.getByText(`${refused} rows that the sink refused`).waitFor();
    await page.getByText("the app does not want").first().waitFor();

    await page.locator(".letter").first().getByRole("button", { name: /^Drop/ }).click();
    await page.keyboard.press("Escape");
    assert.equal(await total(), refused, "Escape has dropped a row");
    await page.locator(".letter").first().getByRole("button", { name: /^Drop/ }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Drop" }).click();
    await page.getByText("1 row was dropped.").waitFor();
    assert.equal(await total(), refused - 1);

    await change_scene("accept");
    await page.locator(".letter").first().getByRole("button", { name: /^Retry/ }).click();
    await page.getByText("1 row goes out again.").waitFor();
    await page.getByRole("button", { name: /^Retry all/ }).click();
    await page.getByText("No row was refused").waitFor();
    await until(async () => (await ask("GET", "status")).outbox.waiting === 0);
    assert.equal(await total(), 0);
    assert.deepEqual(problems, []);
  });
});
