// A list that comes in pages: shows the first, and a button that brings the next below it.
import { was_cancelled } from "./api.js";
import { fill, h } from "./element.js";
import { failure } from "./loading.js";

/**
 * The element of the button. `next`: the key of the next page, null for none; load(next) answers { items, next };
 * add(items) puts them on the page.
 */
export function more_button(next, load, add) {
  const place = h("div", { class: "more" });
  const button = h("button", { class: "button", onclick: bring }, "Show more");

  async function bring() {
    button.disabled = true;
    try {
      const page = await load(next);
      add(page.items);
      next = page.next;
      if (next === null) place.remove();
      fill(place, button);
    } catch (error) {
      if (!was_cancelled(error)) fill(place, failure(error, bring));
    }
    button.disabled = false;
  }

  if (next !== null) fill(place, button);
  return place;
}
