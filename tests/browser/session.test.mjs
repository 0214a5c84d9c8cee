// The token: asked for, wrong, right, by link, and a session that ends.
import assert from "node:assert/strict";
import { test } from "node:test";
import { token, url, use_dashboard, use_page } from "./stage.mjs";

test("a wrong token is refused, the right one lets in and is not asked for again", async () => {
  await use_page({}, async (page, problems) => {
    await page.goto(`${url}#/runs`);
    const field = page.getByLabel("Token");
    await field.fill("not the token");
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByText("That is not the daemon's token.").waitFor();
    await field.fill(token);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Runs", exact: true }).waitFor();
    await page.reload();
    await page.getByRole("heading", { name: "Runs", exact: true }).waitFor();
    const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href]));
    assert(!kept.includes(token), "the token is within reach of scripts");
    assert.deepEqual(problems, []);
  });
});

test("a link with the token logs in and leaves no token in the address", async () => {
  await use_dashboard("#/overview", async (page) => {
    assert(!page.url().includes(token));
    await page.getByText("Live", { exact: true }).waitFor();
  });
});

test("a link with a wrong token asks for the right one", async () => {
  await use_page({}, async (page) => {
    await page.goto(`${url}#token=wrong`);
    await page.getByText("The token in this link is not the daemon's.").waitFor();
    assert(!page.url().includes("wrong"));
  });
});

test("a session that has ended asks for the token and goes on where one was", async () => {
  await use_dashboard("#/sites", async (page) => {
    await page.getByRole("heading", { name: "Sites", exact: true }).waitFor();
    await page.context().clearCookies();
    await page.getByRole("link", { name: "Runs", exact: true }).click();
    await page.getByText("Your session has ended.").waitFor();
    await page.getByLabel("Token").fill(token);
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByRole("heading", { name: "Runs", exact: true }).waitFor();
  });
});

test("logging out ends the session", async () => {
  await use_dashboard("#/overview", async (page) => {
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByText("You are logged out.").waitFor();
    await page.reload();
    await page.getByLabel("Token").waitFor();
  });
});
