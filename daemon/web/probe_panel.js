// Tries an address: what kind of shop it is, what would be read, and the stanza for sites.yaml.
import { post, was_cancelled } from "./api.js";
import { fill, h } from "./element.js";
import { icon } from "./icon.js";
import { failure } from "./loading.js";
import { tell } from "./notices.js";

export class ProbePanel {
  element;

  #signal;
  #url = h("input", { class: "input", type: "url", name: "url", required: true, placeholder: "https://shop.example/", autocomplete: "off" });
  #button = h("button", { class: "button primary" }, icon("search"), "Try");
  #answer = h("div", { class: "probe-answer", "aria-live": "polite" });

  constructor(signal) {
    this.#signal = signal;
    const submit = (event) => {
      event.preventDefault();
      this.#probe();
    };
    this.element = h(
      "section",
      { class: "panel", "aria-label": "Try an address" },
      h("div", { class: "panel-head" }, h("h2", null, "Try an address")),
      h(
        "div",
        { class: "panel-body" },
        h("p", { class: "quiet" }, "A shop, a category, a feed, or JSON that its pages load. Nothing is stored."),
        h("form", { class: "probe", onsubmit: submit }, h("label", { class: "field" }, h("span", null, "Address"), this.#url), this.#button),
        this.#answer,
      ),
    );
  }

  async #probe() {
    this.#button.disabled = true;
    fill(this.#answer, h("p", { class: "quiet" }, "Asking the shop, politely; this takes up to a minute…"), h("progress", { "aria-label": "Asking the shop" }));
    try {
      fill(this.#answer, report(await post("probe", { url: this.#url.value.trim() }, this.#signal)));
    } catch (error) {
      if (!was_cancelled(error)) fill(this.#answer, failure(error));
    }
    this.#button.disabled = false;
  }
}

function report({ kind, rows, stanza }) {
  const copy = async () => {
    await navigator.clipboard.writeText(stanza);
    tell("The stanza is in the clipboard.");
  };
  return [
    h("p", null, "This is ", h("strong", null, kind), rows.length > 0 ? ". It would be read as:" : ". No product was read."),
    h("div", { class: "probe-rows" }, rows.map((row) => h("dl", { class: "facts probe-row" }, columns_of(row)))),
    h("div", { class: "panel-head probe-stanza" }, h("h3", null, "For sites.yaml"), navigator.clipboard && h("button", { class: "button small", onclick: copy }, "Copy")),
    h("pre", { class: "code", tabindex: "0", "aria-label": "The stanza" }, stanza),
  ];
}

/** The columns that hold something. */
function columns_of(row) {
  return Object.entries(row)
    .filter(([, value]) => value !== null && value.length !== 0)
    .map(([name, value]) => [h("dt", null, name), h("dd", null, typeof value === "string" ? value : JSON.stringify(value))]);
}
