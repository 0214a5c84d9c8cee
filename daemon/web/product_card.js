// Products as pictures.
import { h } from "./element.js";
import { price_of } from "./price.js";
import { address } from "./router.js";
import { thumbnail } from "./thumbnail.js";

/** A product of the grid; a search's result has its score. */
export function product_card(product) {
  const { id, title, brand, site, score, gone_at, availability, vector_state } = product;
  return h(
    "li",
    { class: "card" },
    h(
      "a",
      { class: "card-link", href: address(["catalogue", id]) },
      thumbnail(product),
      h("span", { class: "card-title" }, title),
      h("span", { class: "card-brand quiet" }, brand ?? site),
      price_of(product),
    ),
    h(
      "div",
      { class: "card-foot" },
      score !== undefined && h("span", { class: "badge number", title: "cosine: 1 is the same" }, score.toFixed(3)),
      gone_at && h("span", { class: "badge" }, "gone"),
      !gone_at && availability === "out_of_stock" && h("span", { class: "badge bad" }, "out of stock"),
      vector_state === "ready" &&
        h("a", { class: "card-more", href: address("catalogue", { like: id }) }, "More like this", h("span", { class: "only-read" }, title)),
    ),
  );
}
