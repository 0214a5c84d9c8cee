// The catalogue as a grid of pictures: browsed with filters, or searched by words, by a picture, by likeness.
import { get, post } from "../api.js";
import { fill, h } from "../element.js";
import { count, counted } from "../format.js";
import { icon } from "../icon.js";
import { empty, load_into } from "../loading.js";
import { more_button } from "../more_rows.js";
import { PictureSearch } from "../picture_search.js";
import { product_card } from "../product_card.js";
import { ProductFilters, filter_names } from "../product_filters.js";
import { replace_query } from "../router.js";
import { thumbnail } from "../thumbnail.js";

const results_wanted = 48;
const page_size = 48;

export function catalogue_page({ live, query, signal }) {
  const page = new CataloguePage(live, query, signal);
  return { title: "Catalogue", element: page.element };
}

/** Shows one of four things: `looks` (text), `picture`, `like` (a product), or the whole catalogue, narrowed by `q`. */
class CataloguePage {
  element;

  #signal;
  #live;
  #mode = { kind: "browse" };
  #filters;
  #gone;
  #words = h("input", { class: "input", type: "search", name: "words", placeholder: "linen shirt", autocomplete: "off" });
  #kind = h("select", { class: "select", name: "kind", "aria-label": "How to search" }, h("option", { value: "text" }, "by its look"), h("option", { value: "q" }, "in its title"));
  #asked = h("div", { class: "asked", hidden: true });
  #summary = h("p", { class: "quiet", role: "status" });
  #body = h("div", { class: "results" });

  constructor(live, query, signal) {
    this.#signal = signal;
    this.#live = live;
    this.#filters = new ProductFilters(query, () => this.#show());
    this.#gone = h("input", { type: "checkbox", name: "gone", onchange: () => this.#show() });
    this.#gone.checked = query.get("gone") === "true";
    const pictures = new PictureSearch((file) => this.#search_picture(file), signal);
    const submit = (event) => {
      event.preventDefault();
      this.#search_words();
    };
    this.element = h(
      "div",
      { class: "page" },
      h("div", { class: "page-head" }, h("h1", null, "Catalogue"), this.#summary),
      h(
        "form",
        { class: "search", role: "search", onsubmit: submit },
        h("label", { class: "field search-words" }, h("span", null, "Search"), this.#words),
        h("label", { class: "field" }, h("span", null, "Where"), this.#kind),
        h("button", { class: "button primary" }, icon("search"), "Search"),
        pictures.element,
      ),
      h("p", { class: "quiet drop-hint" }, "Or drop a picture anywhere on this page, or paste one."),
      h(
        "details",
        { class: "filter-box", open: filter_names.some((name) => query.has(name)) || matchMedia("(min-width: 46rem)").matches },
        h("summary", null, "Filters"),
        h(
          "div",
          { class: "filter-row" },
          this.#filters.element,
          h("label", { class: "check" }, this.#gone, "gone ones instead"),
          h("button", { class: "button small", type: "button", onclick: () => this.#clear_filters() }, "Clear filters"),
        ),
      ),
      this.#asked,
      this.#body,
    );
    this.#begin(query);
  }

  #begin(query) {
    if (query.get("like")) this.#mode = { kind: "like", id: query.get("like") };
    else if (query.get("text")) this.#mode = { kind: "text", text: query.get("text") };
    else if (query.get("q")) this.#mode = { kind: "browse", q: query.get("q") };
    this.#words.value = this.#mode.text ?? this.#mode.q ?? "";
    if (this.#mode.q || !this.#can_embed_words()) this.#kind.value = "q";
    this.#filters.load(this.#signal).catch(() => {}); // the grid says what is wrong
    this.#show();
  }

  /** Models without a text tower search titles alone. */
  #can_embed_words() {
    return this.#live.latest?.model?.text !== false;
  }

  #search_words() {
    const words = this.#words.value.trim();
    if (!words) this.#mode = { kind: "browse" };
    else if (this.#kind.value === "q") this.#mode = { kind: "browse", q: words };
    else this.#mode = { kind: "text", text: words };
    this.#show();
  }

  #search_picture(file) {
    this.#mode = { kind: "picture", file, preview: URL.createObjectURL(file) };
    this.#show();
  }

  #clear_filters() {
    this.#filters.clear();
    this.#gone.checked = false;
    this.#show();
  }

  #browse_all() {
    this.#words.value = "";
    this.#mode = { kind: "browse" };
    this.#show();
  }

  #show() {
    const { kind, q, text, id } = this.#mode;
    const gone = this.#gone.checked && kind === "browse" ? "true" : "";
    this.#gone.disabled = kind !== "browse";
    replace_query({ ...this.#filters.values, gone, q, text, like: id });
    this.#show_asked();
    this.#summary.textContent = "";
    if (kind === "browse") this.#browse(q, gone);
    else this.#search();
  }

  #browse(q, gone) {
    const filters = { ...this.#filters.values, q, gone, limit: page_size };
    const first = () => get("products", { ...filters, count: true }, this.#signal);
    load_into(this.#body, first, ({ items, next, total }) => {
      this.#summary.textContent = counted(total, "product");
      if (items.length === 0) return this.#nothing(q || gone || Object.keys(this.#filters.values).length > 0);
      const grid = product_grid(items);
      const load = (after) => get("products", { ...filters, after }, this.#signal);
      return [grid, more_button(next, load, (more) => grid.append(...more.map(product_card)))];
    });
  }

  #search() {
    const { kind, text, id, file } = this.#mode;
    const query = { ...this.#filters.values, k: results_wanted };
    const ask = () => {
      if (kind !== "picture") return get("search", { ...query, text, id }, this.#signal);
      const form = new FormData();
      form.append("image", file);
      return post(`search?${new URLSearchParams(query)}`, form, this.#signal);
    };
    load_into(this.#body, ask, ({ results, untrained }) => {
      this.#summary.textContent = `${count(results.length)} nearest, best first`;
      return [
        untrained && h("p", { class: "remark" }, icon("alert"), "The model is untrained: what it finds means little. `catwalk model pull` gets a real one."),
        results.length > 0 ? product_grid(results) : empty("catalogue", "Nothing was found", "No product with these filters has a vector yet."),
      ];
    });
  }

  #nothing(is_narrowed) {
    if (!is_narrowed) return empty("catalogue", "The catalogue is empty", "The first run fills it.");
    return empty("catalogue", "No product matches", "Loosen the filters or search for something else.");
  }

  /** What the results are like: the picture, or the product. */
  #show_asked() {
    const { kind, text, id, preview } = this.#mode;
    const back = h("button", { class: "button small", onclick: () => this.#browse_all() }, icon("close"), "Back to all");
    const line = (...what) => fill(this.#asked, what, back);
    this.#asked.hidden = kind === "browse";
    if (kind === "text") line(h("span", { class: "words" }, "Looks like “", text, "”"));
    if (kind === "picture") line(h("img", { src: preview, alt: "Your picture" }), h("span", null, "Looks like your picture"));
    if (kind === "like") {
      const like = h("span", { class: "words" }, "More like this");
      const frame = h("span");
      line(frame, like);
      get(`products/${encodeURIComponent(id)}`, {}, this.#signal).then(
        (product) => {
          fill(frame, thumbnail(product));
          like.textContent = `More like “${product.title}”`;
        },
        () => {}, // the search itself says what is wrong
      );
    }
  }
}

function product_grid(products) {
  return h("ul", { class: "grid" }, products.map(product_card));
}
