// Rows that the sink refused: what, why, and what to do with them.
import { get, post, thing } from "../api.js";
import { confirm } from "../confirmation.js";
import { fill, h } from "../element.js";
import { count, counted } from "../format.js";
import { icon } from "../icon.js";
import { empty, load_into } from "../loading.js";
import { more_button } from "../more_rows.js";
import { tell, tell_failure } from "../notices.js";
import { address } from "../router.js";
import { thumbnail } from "../thumbnail.js";
import { time_label } from "../time_label.js";

export function failures_page({ live, shell, query, signal }) {
  const page = new FailuresPage(shell, query, signal);
  live.addEventListener("run_ended", () => page.load(), { signal });
  page.load();
  return { title: "Failures", element: page.element };
}

class FailuresPage {
  element;

  #shell;
  #signal;
  #filter; // { site, code }
  #all = h("div", { class: "actions" });
  #summary = h("p", { class: "quiet", role: "status" });
  #body = h("div");

  constructor(shell, query, signal) {
    this.#shell = shell;
    this.#signal = signal;
    this.#filter = Object.fromEntries(["site", "code"].filter((name) => query.get(name)).map((name) => [name, query.get(name)]));
    const narrowed = Object.values(this.#filter);
    this.element = h(
      "div",
      { class: "page" },
      h("div", { class: "page-head" }, h("h1", null, "Failures"), this.#summary, this.#all),
      narrowed.length > 0 && h("p", null, "Only ", narrowed.join(", "), ". ", h("a", { href: address("failures") }, "Show all")),
      h("section", { class: "panel", "aria-label": "Rows that the sink refused" }, this.#body),
    );
  }

  load() {
    const page = (after) => get("failures", { ...this.#filter, after }, this.#signal);
    return load_into(this.#body, page, ({ items, next, total }) => {
      this.#summary.textContent = total > 0 ? `${counted(total, "row")} that the sink refused` : "";
      if (Object.keys(this.#filter).length === 0) this.#shell.set_failures(total);
      fill(this.#all, total > 0 && this.#buttons({ all: true, ...this.#filter }, total));
      if (items.length === 0) return empty("check", "No row was refused", "Whatever the sink does not take for its own sake appears here.");
      const list = h("ul", { class: "letters" }, items.map((row) => this.#letter(row)));
      return [list, more_button(next, page, (more) => list.append(...more.map((row) => this.#letter(row))))];
    });
  }

  #letter(row) {
    return h(
      "li",
      { class: "letter" },
      thumbnail(row),
      h(
        "div",
        { class: "letter-what" },
        h("h2", { class: "words" }, row.site ? h("a", { href: address(["catalogue", row.product]) }, row.title || row.product) : row.product),
        h(
          "p",
          { class: "quiet letter-facts" },
          row.site && h("a", { href: address("failures", { site: row.site }) }, row.site),
          row.op === "delete" ? "could not be deleted" : "could not be written",
          time_label(new Date(row.died)),
          row.code && h("a", { class: "badge", href: address("failures", { code: row.code }) }, `code ${row.code}`),
        ),
        h("p", { class: "words" }, row.reason),
        row.sink_words && h("p", { class: "sink-words words" }, row.sink_words),
        attempts(row),
        this.#whole_row(row),
      ),
      h("div", { class: "actions" }, this.#buttons({ ids: [row.id] }, 1, row.title)),
    );
  }

  /** The row as it was, asked for when it is opened. */
  #whole_row(row) {
    const content = h("div");
    const open = (event) => {
      if (!event.target.open || content.hasChildNodes()) return;
      load_into(content, () => get(thing("failures", row.id), {}, this.#signal), (detail) =>
        detail.row ? h("pre", { class: "code", tabindex: "0" }, JSON.stringify(detail.row, null, 2)) : h("p", { class: "quiet" }, "It was not kept."),
      );
    };
    return h("details", { ontoggle: open }, h("summary", null, "The row"), content);
  }

  #buttons(choice, total, title = "") {
    const one = total === 1 && choice.ids;
    const of = title && h("span", { class: "only-read" }, title);
    return [
      h("button", { class: "button small", onclick: () => this.#retry(choice) }, icon("retry"), one ? "Retry" : `Retry all ${count(total)}`, of),
      h("button", { class: "button small", onclick: () => this.#drop(choice, total, title) }, icon("bin"), one ? "Drop" : "Drop all", of),
    ];
  }

  async #retry(choice) {
    try {
      const { changed } = await post("failures/retry", choice);
      tell(`${counted(changed, "row goes", "rows go")} out again.`);
    } catch (error) {
      tell_failure("Nothing was sent again", error);
    }
    this.load();
  }

  async #drop(choice, total, title) {
    const agreed = await confirm({
      title: choice.ids ? "Drop this row?" : `Drop ${counted(total, "row")}?`,
      text: `${title ? `“${title}”: ` : ""}The sink goes without until the product changes; only then is it sent again.`,
      action: "Drop",
    });
    if (!agreed) return;
    try {
      const { changed } = await post("failures/drop", choice);
      tell(`${counted(changed, "row was", "rows were")} dropped.`);
    } catch (error) {
      tell_failure("Nothing was dropped", error);
    }
    this.load();
  }
}

function attempts({ attempts: all }) {
  if (all.length < 2) return null;
  const lines = all.map(({ at, error }) => h("li", null, time_label(new Date(at)), ": ", h("span", { class: "words" }, error)));
  return h("details", null, h("summary", null, counted(all.length, "attempt")), h("ol", { class: "attempts" }, lines));
}
