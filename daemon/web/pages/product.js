// One product: its picture, what is known of it, what it has cost.
import { get, thing } from "../api.js";
import { availability_badge, vector_badge } from "../badge.js";
import { h } from "../element.js";
import { icon } from "../icon.js";
import { load_into } from "../loading.js";
import { outside_link } from "../outside_link.js";
import { price_of } from "../price.js";
import { PriceHistory } from "../price_history.js";
import { address } from "../router.js";
import { thumbnail } from "../thumbnail.js";
import { time_label } from "../time_label.js";

export function product_page({ signal, words: [id] }) {
  const body = h("div", { class: "page" });
  load_into(body, () => get(thing("products", id), {}, signal), product_view);
  return {
    title: "Product",
    element: h("div", { class: "page" }, h("a", { class: "back", href: address("catalogue") }, icon("back"), "Catalogue"), body),
  };
}

function product_view(product) {
  document.title = `${product.title} – catwalk`;
  return h(
    "div",
    { class: "product" },
    h("div", { class: "product-picture" }, thumbnail(product)),
    h(
      "div",
      { class: "page" },
      h(
        "div",
        { class: "product-head" },
        h("p", { class: "quiet" }, product.brand ?? product.site),
        h("h1", { class: "words" }, product.title),
        price_of(product),
        h("p", { class: "actions" }, availability_badge(product.availability), vector_badge(product.vector_state), product.gone_at && h("span", { class: "badge bad" }, "gone")),
        product.vector_error && h("p", { class: "error-text" }, product.vector_error),
        h(
          "p",
          { class: "actions" },
          product.vector_state === "ready" && h("a", { class: "button primary", href: address("catalogue", { like: product.id }) }, icon("search"), "More like this"),
          outside_link(product.product_url, "In the shop"),
        ),
        product.description && h("p", { class: "description words" }, product.description),
      ),
      panel("Price history", new PriceHistory(product.history).element),
      panel("Facts", facts(product)),
    ),
  );
}

function panel(title, content) {
  return h("section", { class: "panel" }, h("div", { class: "panel-head" }, h("h2", null, title)), h("div", { class: "panel-body" }, content));
}

function facts(product) {
  const { vector } = product;
  const rows = [
    ["Site", h("a", { href: address("catalogue", { site: product.site }) }, product.site)],
    ["Merchant", product.merchant],
    ["Country", product.country],
    ["Category", [product.category, product.subcategory].filter(Boolean).join(" / ")],
    ["Gender", product.gender],
    ["Colours", product.color_names.join(", ")],
    ["Size", product.size],
    ["Second hand", product.second_hand ? "yes" : null],
    ["First seen", time_label(new Date(product.first_seen))],
    ["Last seen", time_label(new Date(product.last_seen))],
    ["Last price change", product.price_changed_at && time_label(new Date(product.price_changed_at))],
    ["Gone since", product.gone_at && time_label(new Date(product.gone_at))],
    ["Vector", vector && `${vector.model}, ${vector.precision}, ${vector.device}${vector.untrained ? ", untrained" : ""}`],
    ["In the shop", product.external_id],
    ["Picture", product.image_url && outside_link(product.image_url, product.image_url)],
    ["Id", h("code", null, product.id)],
    ...Object.entries(product.metadata).map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]),
  ];
  return h("dl", { class: "facts" }, rows.filter(([, value]) => value).map(([name, value]) => [h("dt", null, name), h("dd", null, value)]));
}
