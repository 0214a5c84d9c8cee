// An address that names no page.
import { h } from "../element.js";
import { empty } from "../loading.js";
import { address } from "../router.js";

export function unknown_page() {
  const link = h("a", { href: address("overview") }, "To the overview");
  return { title: "No such page", element: h("div", { class: "page" }, h("h1", null, "No such page"), empty("alert", "This address names no page.", link)) };
}
