// What stands in an element while its content is on the way, and where it could not come.
import { was_cancelled } from "./api.js";
import { fill, h } from "./element.js";
import { icon } from "./icon.js";

/** What an element waits for: the answer to an earlier question must not replace that to a later one. */
const awaited = new WeakMap();

/**
 * Loads, then fills the element with what `render(answer)` returns; a failure is shown in its place, with a button to
 * try again. What is there already stays until then.
 */
export async function load_into(element, load, render) {
  if (!element.hasChildNodes()) fill(element, h("p", { class: "waiting" }, "Loading…"));
  element.setAttribute("aria-busy", "true");
  const mine = load();
  awaited.set(element, mine);
  const is_stale = () => awaited.get(element) !== mine;
  try {
    const answer = await mine;
    if (is_stale()) return;
    fill(element, render(answer));
  } catch (error) {
    if (is_stale() || was_cancelled(error)) return;
    fill(element, failure(error, () => load_into(element, load, render)));
  }
  element.removeAttribute("aria-busy");
}

/** The daemon's words, and a button. */
export function failure(error, retry) {
  return h(
    "div",
    { class: "failure", role: "alert" },
    icon("alert"),
    h("p", { class: "words" }, error.message),
    retry && h("button", { class: "button small", onclick: retry }, icon("retry"), "Try again"),
  );
}

/** empty("runs", "No run yet", "…"): a list without anything in it. */
export function empty(icon_name, headline, ...more) {
  return h("div", { class: "empty" }, icon(icon_name), h("strong", null, headline), more.length > 0 && h("p", null, more));
}
