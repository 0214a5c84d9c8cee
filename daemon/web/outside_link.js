// Links to shops. What a shop calls its address is data: only http and https become a link.
import { h } from "./element.js";
import { icon } from "./icon.js";

/** `text` as a link to a page elsewhere, or as plain text. */
export function outside_link(url, text) {
  const safe = URL.canParse(url) && ["http:", "https:"].includes(new URL(url).protocol);
  if (!safe) return h("span", { class: "words" }, text);
  return h(
    "a",
    { class: "words", href: url, target: "_blank", rel: "noopener noreferrer" },
    text,
    " ",
    icon("outside"),
    h("span", { class: "only-read" }, " (opens the shop)"),
  );
}
