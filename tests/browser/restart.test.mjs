// The daemon goes away and comes back while the page is open.
import { test } from "node:test";
import { assert_accessible } from "./accessible.mjs";
import { change_scene, fill_catalogue, use_dashboard } from "./stage.mjs";

test("the page says that the connection is lost, and goes on by itself", async () => {
  await fill_catalogue();
  await use_dashboard("#/runs", async (page) => {
    await page.getByText("Live", { exact: true }).waitFor();
    await change_scene("stop");
    await page.getByText("No connection to catwalk.").waitFor();
    await page.getByText("Offline", { exact: true }).waitFor();
    await assert_accessible(page, "no connection");
    await change_scene("start");
    await page.getByText("catwalk was started anew.").waitFor({ timeout: 60_000 });
    await page.getByText("Live", { exact: true }).waitFor();
    await page.getByRole("link", { name: /· manual$/ }).first().click();
    await page.getByRole("heading", { name: "By site" }).waitFor();
  });
});
