// A number over the last minutes: as many as the page has seen, from one to five.
import { fill, h, svg } from "./element.js";
import { count, duration } from "./format.js";

const width = 300;
const height = 64;
const longest_ms = 5 * 60 * 1000;
const shortest_ms = 60 * 1000;

export class LineChart {
  element;

  #value = h("span", { class: "chart-value number" }, "–");
  #note = h("span", { class: "chart-note quiet" });
  #area = svg("path", { class: "chart-area" });
  #line = svg("path", { class: "chart-line" });
  #top = h("span", { class: "chart-top quiet number" });
  #since = h("span");

  /** `title`: what is counted. */
  constructor(title) {
    this.element = h(
      "figure",
      { class: "panel chart" },
      h("figcaption", null, h("span", { class: "chart-title" }, title), this.#value, this.#note),
      h(
        "div",
        { class: "chart-plot", "aria-hidden": "true" },
        this.#top,
        svg("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none" }, this.#area, this.#line),
      ),
      h("div", { class: "chart-axis quiet", "aria-hidden": "true" }, this.#since, h("span", null, "now")),
    );
  }

  /** points: [{ at (ms), value }], oldest first; `note` stands beside the number. */
  show(points, note = "") {
    const last = points.at(-1);
    if (!last) return;
    this.#value.textContent = count(last.value);
    this.#note.textContent = note;
    const window_ms = Math.min(Math.max(last.at - points[0].at, shortest_ms), longest_ms);
    const shown = points.filter(({ at }) => at >= last.at - window_ms);
    this.#since.textContent = `${duration(window_ms / 1000)} ago`;
    const highest = Math.max(...shown.map(({ value }) => value));
    const top = Math.max(highest, 1);
    const place = ({ at, value }) => {
      const x = width - ((last.at - at) / window_ms) * width;
      const y = height - 1 - (value / top) * (height - 6);
      return `${x.toFixed(1)} ${y.toFixed(1)}`;
    };
    const line = shown.map(place).join("L");
    const first_x = place(shown[0]).split(" ")[0];
    this.#line.setAttribute("d", `M${line}`);
    this.#area.setAttribute("d", `M${first_x} ${height}L${line}L${width} ${height}Z`);
    fill(this.#top, highest > 0 ? count(highest) : null);
  }
}
