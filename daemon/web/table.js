// A table with a header that keeps its rows when they are shown anew: what did not change stays, and so do the focus
// and whatever a screen reader is at.
import { fill, h } from "./element.js";

/**
 * columns: [{ name, cell(row), number?, wide?, header? }]; `header` marks the one that names the row, `wide` one that
 * takes a line of its own on a phone. key(row): a string that stays the row's.
 */
export class Table {
  element;

  #columns;
  #key;
  #body = h("tbody", { role: "rowgroup" });
  #rows = new Map(); // key -> { element, as_text }

  constructor({ caption, columns, key }) {
    this.#columns = columns;
    this.#key = key;
    const heads = columns.map(({ name, number }) => h("th", { scope: "col", role: "columnheader", class: number && "number" }, name));
    // The roles are those that the elements have anyway, and lose on a phone, where a row is laid out as a card.
    this.element = h(
      "div",
      { class: "scroll", tabindex: "0", role: "group", "aria-label": caption },
      h(
        "table",
        { class: "cards", role: "table" },
        h("caption", { class: "only-read" }, caption),
        h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, heads)),
        this.#body,
      ),
    );
  }

  /** Shows exactly these rows. */
  show(rows) {
    const focused = document.activeElement?.closest("[data-action]");
    const kept = new Map();
    for (const row of rows) {
      const as_text = JSON.stringify(row);
      const before = this.#rows.get(this.#key(row));
      kept.set(this.#key(row), before?.as_text === as_text ? before : { element: this.#row(row), as_text });
    }
    const lost = focused && [...this.#rows].find(([, { element }]) => element.contains(focused))?.[0];
    this.#rows = kept;
    const elements = [...kept.values()].map(({ element }) => element);
    const is_same = elements.length === this.#body.children.length && elements.every((e, i) => e === this.#body.children[i]);
    if (is_same) return;
    fill(this.#body, elements);
    // The row that had the focus may have been made anew: its button has it again.
    const row = lost && kept.get(lost)?.element;
    (row?.querySelector(`[data-action="${focused.dataset.action}"]`) ?? row?.querySelector("[data-action]"))?.focus();
  }

  /** Shows these rows below the others. */
  add(rows) {
    for (const row of rows) {
      const element = this.#row(row);
      this.#rows.set(this.#key(row), { element, as_text: JSON.stringify(row) });
      this.#body.append(element);
    }
  }

  #row(row) {
    return h("tr", { role: "row" }, this.#columns.map((column) => cell(column, row)));
  }
}

function cell({ name, cell: content, number, wide, header }, row) {
  const classes = [number && "number", wide && "wide"].filter(Boolean).join(" ") || null;
  const inner = content(row);
  return header
    ? h("th", { scope: "row", role: "rowheader", class: classes }, inner)
    : h("td", { role: "cell", class: classes, "data-label": name || null }, inner);
}
