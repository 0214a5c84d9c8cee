// What a product has cost over time: steps in a chart, and the same as a table.
import { h, svg } from "./element.js";
import { full_moment, moment } from "./format.js";
import { amount_text, price_of } from "./price.js";
import { availability_badge } from "./badge.js";

const width = 600;
const height = 140;
const margin = 10;

export class PriceHistory {
  element;

  /** points: PricePoint[], oldest first. */
  constructor(points) {
    if (points.length === 0) {
      this.element = h("p", { class: "quiet" }, "No price was recorded yet.");
      return;
    }
    const priced = points.map((point) => ({ ...point, value: Number(point.sale_amount ?? point.price_amount ?? NaN) })).filter(({ value }) => Number.isFinite(value));
    this.element = h("div", { class: "history" }, priced.length > 1 && chart(priced), table(points));
  }
}

/** A price holds until the next one: the line goes in steps, and on to today. */
function chart(points) {
  const from = Date.parse(points[0].at);
  const span = Math.max(Date.now() - from, 1);
  const values = points.map(({ value }) => value);
  const lowest = Math.min(...values);
  const highest = Math.max(...values);
  const range = highest - lowest || 1;
  const x = (at) => (margin + ((at - from) / span) * (width - 2 * margin)).toFixed(1);
  const y = (value) => (height - margin - ((value - lowest) / range) * (height - 2 * margin)).toFixed(1);
  const steps = points.map((point, i) => (i === 0 ? `M${x(from)} ${y(point.value)}` : `H${x(Date.parse(point.at))}V${y(point.value)}`));
  const { currency } = points.at(-1);
  return h(
    "figure",
    { class: "history-chart", "aria-hidden": "true" }, // the table says the same
    h("div", { class: "history-scale quiet number" }, highest > lowest && h("span", null, amount_text(String(highest), currency)), h("span", null, amount_text(String(lowest), currency))),
    svg(
      "svg",
      { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none" },
      svg("path", { class: "chart-line", d: `${steps.join("")}H${width - margin}` }),
    ),
    h("figcaption", { class: "chart-axis quiet" }, h("span", null, moment(new Date(from))), h("span", null, "now")),
  );
}

function table(points) {
  const row = (point) =>
    h(
      "tr",
      null,
      h("th", { scope: "row" }, moment_label(new Date(point.at))),
      h("td", null, price_of(point)),
      h("td", null, point.change === "gone" ? h("span", { class: "badge bad" }, "gone") : availability_badge(point.availability)),
    );
  return h(
    "table",
    null,
    h("caption", { class: "only-read" }, "Prices, the latest first"),
    h("thead", null, h("tr", null, ["From", "Price", "Stock"].map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", null, points.toReversed().map(row)),
  );
}

/** A price may change more than once on a day. */
function moment_label(when) {
  return h("time", { datetime: when.toISOString(), title: full_moment(when) }, moment(when));
}
