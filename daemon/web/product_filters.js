// The catalogue's filters: what the catalogue has, with how often.
import { get } from "./api.js";
import { h } from "./element.js";
import { count } from "./format.js";

const selects = [
  ["site", "Site", "sites"],
  ["category", "Category", "categories"],
  ["gender", "Gender", "genders"],
  ["availability", "Availability", "availability"],
  ["currency", "Currency", "currencies"],
];
const availability_words = { in_stock: "in stock", out_of_stock: "out of stock", unknown: "unknown" };

/** The filters that an address holds, by the names that the API gives them. */
export const filter_names = [...selects.map(([name]) => name), "min_price", "max_price"];

export class ProductFilters {
  element;
  #fields = new Map();

  /** `chosen`: URLSearchParams; changed() is called when a person sets one. */
  constructor(chosen, changed) {
    for (const [name] of selects) this.#fields.set(name, h("select", { class: "select", name, onchange: changed }, option("", "all")));
    for (const name of ["min_price", "max_price"])
      this.#fields.set(name, h("input", { class: "input number", name, type: "number", min: 0, step: "any", inputmode: "decimal", placeholder: "any", onchange: changed }));
    for (const [name, field] of this.#fields) {
      const value = chosen.get(name);
      if (!value) continue;
      if (field.tagName === "SELECT") field.append(option(value, value));
      field.value = value;
    }
    this.element = h(
      "div",
      { class: "filters", role: "group", "aria-label": "Filters" },
      selects.map(([name, words]) => field_of(words, this.#fields.get(name))),
      field_of("Price from", this.#fields.get("min_price")),
      field_of("Price to", this.#fields.get("max_price")),
    );
  }

  /** Fills the lists with what there is. */
  async load(signal) {
    const facets = await get("facets", {}, signal);
    for (const [name, , facet] of selects) {
      const field = this.#fields.get(name);
      const chosen = field.value;
      const values = facets[facet].map(({ value, count: times }) => option(value, `${availability_words[value] ?? value} (${count(times)})`));
      field.replaceChildren(option("", "all"), ...values);
      if (chosen && ![...field.options].some(({ value }) => value === chosen)) field.append(option(chosen, `${chosen} (0)`));
      field.value = chosen;
    }
  }

  /** { site: "A", min_price: "10", … } without those that are not set. */
  get values() {
    return Object.fromEntries([...this.#fields].map(([name, field]) => [name, field.value]).filter(([, value]) => value !== ""));
  }

  clear() {
    for (const field of this.#fields.values()) field.value = "";
  }
}

function field_of(words, field) {
  return h("label", { class: "field" }, h("span", null, words), field);
}

function option(value, words) {
  return h("option", { value }, words);
}
