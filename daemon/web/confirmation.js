// Asks before something that cannot be taken back.
import { h } from "./element.js";

/** Resolves to true when the person agrees; Escape, or the other button, says no. Focus returns to where it was. */
export function confirm({ title, text, action }) {
  return new Promise((resolve) => {
    const dialog = h(
      "dialog",
      { class: "confirmation", "aria-labelledby": "confirmation-title", "aria-describedby": "confirmation-text" },
      h(
        "form",
        { method: "dialog" },
        h("h2", { id: "confirmation-title" }, title),
        h("p", { id: "confirmation-text" }, text),
        h(
          "div",
          { class: "actions" },
          h("button", { class: "button", value: "no", autofocus: true }, "Cancel"),
          h("button", { class: "button danger", value: "yes" }, action),
        ),
      ),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
