// How long each stage of a run took: one bar, and the numbers below it.
import { h, svg } from "./element.js";
import { duration } from "./format.js";

const words = { pages: "Reading pages", sync: "Comparing with what was there", images: "Waiting for pictures", sink: "Waiting for the sink" };

export class StageBar {
  element;

  /** stages: [{ name, seconds }] in their order. */
  constructor(stages) {
    const all = stages.reduce((sum, { seconds }) => sum + seconds, 0);
    let x = 0;
    const parts = stages.map(({ name, seconds }) => {
      const width = all > 0 ? (seconds / all) * 1000 : 0;
      const part = svg("rect", { class: `stage stage-${name}`, x, width, height: 10 });
      x += width;
      return part;
    });
    this.element = h(
      "div",
      { class: "stage-bar" },
      svg("svg", { viewBox: "0 0 1000 10", preserveAspectRatio: "none", "aria-hidden": "true" }, parts),
      h(
        "dl",
        null,
        stages.map(({ name, seconds }) =>
          h("div", null, h("dt", null, h("span", { class: `key stage-${name}` }), words[name] ?? name), h("dd", { class: "number" }, duration(seconds))),
        ),
      ),
    );
  }
}
