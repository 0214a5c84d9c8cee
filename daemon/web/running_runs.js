// The runs that are under way, as they get on.
import { post, thing } from "./api.js";
import { confirm } from "./confirmation.js";
import { fill, h } from "./element.js";
import { count, counted, duration } from "./format.js";
import { icon } from "./icon.js";
import { tell, tell_failure } from "./notices.js";
import { address } from "./router.js";

const stages = [
  ["pages", "Reading pages"],
  ["sync", "Comparing"],
  ["images", "Embedding pictures"],
  ["sink", "Sending rows"],
];

export class RunningRuns {
  element = h("section", { class: "running", "aria-label": "Runs under way" });

  #runs = new Map(); // id -> RunningRun
  #idle = h("p", { class: "panel running-none quiet" }, "No run is under way.");

  show({ runs }) {
    for (const id of this.#runs.keys()) if (!runs.some((run) => run.id === id)) this.#runs.delete(id);
    for (const run of runs) {
      if (!this.#runs.has(run.id)) this.#runs.set(run.id, new RunningRun(run));
      this.#runs.get(run.id).show(run);
    }
    const elements = runs.length > 0 ? runs.map(({ id }) => this.#runs.get(id).element) : [this.#idle];
    const is_same = elements.length === this.element.children.length && elements.every((e, i) => e === this.element.children[i]);
    if (!is_same) fill(this.element, elements);
  }
}

/** One of them: its elements stay while its numbers change. */
class RunningRun {
  element;

  #id;
  #stages = h("ol", { class: "stages" });
  #shown_stage = "";
  #numbers = new Map();
  #time = h("span", { class: "quiet number" });
  #progress = h("progress", { max: 1, "aria-label": "Vectors made" });
  #note = h("span", { class: "quiet number" });
  #sites = h("ul", { class: "running-sites" });
  #cancel = h("button", { class: "button small", onclick: () => this.#ask_to_cancel() }, icon("stop"), "Cancel");

  constructor(run) {
    this.#id = run.id;
    const names = [
      ["products", "products"],
      ["new", "new"],
      ["changed", "changed"],
      ["unchanged", "unchanged"],
      ["images_embedded", "vectors"],
      ["rows_sent", "rows sent"],
    ];
    for (const [name] of names) this.#numbers.set(name, h("dd", { class: "number" }));
    this.element = h(
      "article",
      { class: "panel run-live" },
      h(
        "div",
        { class: "panel-head" },
        h("h2", null, h("a", { href: address(["runs", run.id]) }, `Run ${run.id}`), ` · ${run.job}`),
        h("span", { class: "badge live" }, "running"),
        this.#time,
        h("div", { class: "actions" }, this.#cancel),
      ),
      h(
        "div",
        { class: "panel-body" },
        this.#stages,
        h("div", { class: "run-progress" }, this.#progress, this.#note),
        h("dl", { class: "run-numbers" }, names.map(([name, words]) => h("div", null, this.#numbers.get(name), h("dt", null, words)))),
        this.#sites,
      ),
    );
  }

  show(run) {
    this.#show_stage(run.stage);
    this.#time.textContent = duration(run.seconds);
    for (const [name, element] of this.#numbers) element.textContent = count(run[name]);
    const all = run.images_embedded + run.images_failed + run.images_pending;
    if (all > 0) this.#progress.value = (all - run.images_pending) / all;
    else if (run.stage === "sink") this.#progress.value = 1;
    else this.#progress.removeAttribute("value"); // there may be some yet
    this.#note.textContent = all > 0 ? `${count(all - run.images_pending)} of ${count(all)} pictures` : "no picture to embed";
    if (run.cancelling) this.#cancel.replaceChildren("Ending…");
    this.#cancel.disabled = run.cancelling;
    fill(this.#sites, run.sites.map(site_line));
  }

  #show_stage(stage) {
    if (stage === this.#shown_stage) return;
    this.#shown_stage = stage;
    const now = stages.findIndex(([name]) => name === stage);
    fill(
      this.#stages,
      stages.map(([, words], i) => h("li", { class: i < now ? "past" : null, "aria-current": i === now ? "step" : null }, words)),
    );
  }

  async #ask_to_cancel() {
    const agreed = await confirm({
      title: `End run ${this.#id}?`,
      text: "What was read is kept. What it has not read is read by the next run.",
      action: "End the run",
    });
    if (!agreed) return;
    try {
      await post(thing("runs", this.#id, "cancel"));
      tell(`Run ${this.#id} ends within moments.`);
    } catch (error) {
      tell_failure(`Run ${this.#id} was not ended`, error);
    }
  }
}

function site_line({ name, state, pages, products, skipped, errors }) {
  const words = { reading: "reading", done: "read", failed: "failed" }[state] ?? state;
  return h(
    "li",
    null,
    h("span", { class: "words" }, name),
    h("span", { class: `badge ${state === "reading" ? "live" : state === "failed" ? "bad" : "good"}` }, words),
    h("span", { class: "quiet number" }, `${count(products)} products, ${count(pages)} pages`),
    skipped > 0 && h("span", { class: "quiet number" }, `${count(skipped)} skipped`),
    errors > 0 && h("span", { class: "badge bad" }, counted(errors, "error")),
  );
}
