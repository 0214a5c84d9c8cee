// Asks for the token, once per browser: the daemon makes a session of it.
import { h } from "./element.js";

/** `why`: what to say first, may be empty. `log_in(token)` rejects with what the daemon says. */
export function login_view(why, log_in) {
  const token = h("input", {
    class: "input mono",
    id: "token",
    type: "password",
    name: "token",
    autocomplete: "current-password",
    spellcheck: "false",
    required: true,
    autofocus: true,
    "aria-describedby": "token-help token-error",
  });
  const problem = h("p", { class: "error-text", id: "token-error", role: "alert" });
  const button = h("button", { class: "button primary" }, "Log in");

  async function submit(event) {
    event.preventDefault();
    button.disabled = true;
    problem.textContent = "";
    try {
      await log_in(token.value.trim());
    } catch (error) {
      problem.textContent = error.status === 401 ? "That is not the daemon's token." : error.message;
      token.setAttribute("aria-invalid", "true");
      token.select();
    } finally {
      button.disabled = false;
    }
  }

  return h(
    "main",
    { class: "login" },
    h(
      "div",
      { class: "login-card" },
      h("h1", { class: "wordmark" }, h("img", { src: "icon.svg", alt: "", width: 34, height: 34 }), "catwalk"),
      why && h("p", { role: "status" }, why),
      h(
        "form",
        { onsubmit: submit },
        h("div", { class: "field" }, h("label", { for: "token" }, "Token"), token),
        h("p", { class: "quiet", id: "token-help" }, "On the machine of the daemon, ", h("code", null, "catwalk status --token"), " prints it."),
        problem,
        button,
      ),
    ),
  );
}
