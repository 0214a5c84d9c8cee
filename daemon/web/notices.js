// Short messages at the edge of the page, read out by screen readers.
import { h } from "./element.js";
import { icon } from "./icon.js";

const shown_ms = 6000;
const politely = h("div", { class: "notices", role: "status", "aria-live": "polite" });
const at_once = h("div", { class: "notices", role: "alert" });

/** Where the messages appear: put into the page once. */
export const notice_regions = h("div", { class: "notice-regions" }, at_once, politely);

/** Says that something was done; goes away by itself. */
export function tell(text) {
  show(politely, "done", text, shown_ms);
}

/** Says that something failed; stays until it is closed. `what`: "The site was not paused". */
export function tell_failure(what, error) {
  show(at_once, "failed", `${what}: ${error.message}`, 0);
}

function show(region, kind, text, life_ms) {
  const notice = h(
    "div",
    { class: `notice notice-${kind}` },
    icon(kind === "done" ? "check" : "alert"),
    h("p", null, text),
    h("button", { class: "icon-button", "aria-label": "Close this message", onclick: () => notice.remove() }, icon("close")),
  );
  region.append(notice);
  if (life_ms > 0) setTimeout(() => notice.remove(), life_ms);
}
