// Whether all is well, and if not, why and which page helps.
import { fill, h } from "./element.js";
import { icon } from "./icon.js";
import { address } from "./router.js";

export class HealthPanel {
  badge = h("span", { class: "badge", role: "status" });
  element = h("section", { class: "panel health", "aria-label": "What is wrong", hidden: true });

  #shown = "";

  show(status) {
    const reasons = status.reasons;
    const as_text = JSON.stringify([status.healthy, status.ready, reasons, status.outbox?.last_error]);
    if (as_text === this.#shown) return; // a live region speaks when it changes, and only then
    this.#shown = as_text;
    this.badge.className = `badge ${status.healthy ? "good" : "bad"}`;
    this.badge.textContent = status.healthy ? "all is well" : status.ready ? "needs attention" : "starting";
    this.element.hidden = reasons.length === 0;
    fill(this.element, h("ul", null, reasons.map((reason) => reason_item(reason, status))));
  }
}

function reason_item(reason, status) {
  return h("li", null, icon("alert"), h("p", { class: "words" }, reason), helping_link(reason, status));
}

/** The page where something can be done about it. A reason begins with the name of the site that it is about. */
function helping_link(reason, { outbox, sites }) {
  const site = sites.find(({ name }) => reason.startsWith(`${name}:`));
  if (site) return h("a", { href: address("sites", { open: site.name }) }, "Open the site");
  if (outbox?.parked) return h("a", { href: address("failures") }, "Look at refused rows");
  return null;
}
