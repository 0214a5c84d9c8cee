// How much of something there is: a short bar and a number.
import { h, svg } from "./element.js";
import { percent } from "./format.js";

/** meter(0.97): the part of a whole, from 0 to 1. `all`: of how many; 0 shows a dash. */
export function meter(part, all) {
  if (!(all > 0)) return h("span", { class: "quiet" }, "–");
  const bar = svg(
    "svg",
    { class: part >= 1 ? "bar-meter whole" : "bar-meter", viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("rect", { width: 100, height: 8 }),
    svg("rect", { class: "part", width: Math.round(part * 100), height: 8 }),
  );
  return h("span", { class: "meter-cell" }, bar, percent(part, 1));
}
