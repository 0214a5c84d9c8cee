// What a product costs, with the price before a reduction struck through.
import { h } from "./element.js";

/** Amounts are decimal text: nothing is rounded on the way to the page. */
export function amount_text(amount, currency) {
  return currency ? `${amount} ${currency}` : amount;
}

export function price_of({ price, sale, price_amount, sale_amount, currency }) {
  const before = price_amount ? amount_text(price_amount, currency) : price;
  const now = sale_amount ? amount_text(sale_amount, currency) : sale;
  if (!before && !now) return h("span", { class: "price quiet" }, "no price");
  if (!now) return h("span", { class: "price number" }, before);
  return h(
    "span",
    { class: "price number" },
    h("span", { class: "only-read" }, "reduced to "),
    h("strong", { class: "reduced" }, now),
    before && [" ", h("span", { class: "only-read" }, "from "), h("s", { class: "quiet" }, before)],
  );
}
