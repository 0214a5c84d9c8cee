// What axe says of a page as it stands, in every light and width.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { require } from "./stage.mjs";

const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const looks = [
  { name: "light", width: 1280, height: 900, colorScheme: "light" },
  { name: "dark", width: 1280, height: 900, colorScheme: "dark" },
  { name: "phone", width: 320, height: 640, colorScheme: "light" },
  { name: "phone, dark", width: 320, height: 640, colorScheme: "dark" },
];

/** That axe finds nothing serious on the page, and that nothing is wider than the screen. `what`: named where it fails. */
export async function assert_accessible(page, what) {
  for (const { name, width, height, colorScheme } of looks) {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    assert.deepEqual(await serious_findings(page), [], `${what}, ${name}`);
    const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert(beyond <= 0, `${what}, ${name}: ${beyond} pixels wider than the screen`);
  }
}

/** What axe finds that is serious, as lines of text. */
async function serious_findings(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(" ")}: ${node.failureSummary}`));
}
