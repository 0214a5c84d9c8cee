// What a product costs, with the price before a reduction struck through.
import { h } from "./element.js";

/** Amounts are decimal text, "49.9": with as many decimals as the currency has, and nothing is rounded. */
export function amount_text(amount, currency) {
  if (!currency) return amount;
  const [whole, decimals = ""] = amount.split(".");
  const shown = decimals.padEnd(decimals_of(currency), "0");
  return `${whole}${shown && `.${shown}`} ${currency}`;
}

/** What a shop calls its currency may be no code of one. */
function decimals_of(currency) {
  if (!/^[A-Za-z]{3}$/.test(currency)) return 0;
  return new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits;
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
