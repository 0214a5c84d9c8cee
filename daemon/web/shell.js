// What surrounds every page: the bar with the pages, the state of the connection, light or dark.
import { get } from "./api.js";
import { fill, h } from "./element.js";
import { count } from "./format.js";
import { icon } from "./icon.js";
import { address } from "./router.js";
import { chosen_theme, next_theme } from "./theme.js";

const sections = [
  ["overview", "Overview"],
  ["runs", "Runs"],
  ["catalogue", "Catalogue"],
  ["failures", "Failures"],
  ["sites", "Sites"],
];
const theme_words = { system: "as the system", light: "light", dark: "dark" };

export class Shell {
  element;

  #main = h("main", { id: "content", tabindex: "-1" });
  #links = new Map();
  #tally = h("span", { class: "tally", hidden: true });
  #connection = h("span", { class: "connection", role: "status" });
  #lost = h("div", { class: "lost", role: "alert", hidden: true });
  #old = h(
    "div",
    { class: "lost", role: "status", hidden: true },
    "catwalk was updated.",
    h("button", { class: "button small", onclick: () => location.reload() }, "Load the new page"),
  );

  /** `leave`: logs out. */
  constructor(live, leave) {
    for (const [name, title] of sections)
      this.#links.set(name, h("a", { href: address(name) }, icon(name), title, name === "failures" && this.#tally));
    const to_content = (event) => {
      event.preventDefault();
      this.focus_page();
    };
    this.element = h(
      "div",
      null,
      h("a", { class: "skip", href: "#content", onclick: to_content }, "Skip to the content"),
      h(
        "header",
        { class: "bar" },
        h(
          "div",
          { class: "bar-inner" },
          h("a", { class: "wordmark", href: address("overview") }, h("img", { src: "icon.svg", alt: "", width: 26, height: 26 }), "catwalk"),
          h("nav", { class: "pages", "aria-label": "Pages" }, [...this.#links.values()]),
          h("div", { class: "bar-tools" }, this.#connection, theme_button(), leave_button(leave)),
        ),
        this.#lost,
        this.#old,
      ),
      this.#main,
    );
    this.#show_connection(live);
    live.addEventListener("connection", () => this.#show_connection(live));
    live.addEventListener("run_ended", () => this.count_failures());
  }

  /** Shows a page's element; `section` is marked in the bar. */
  show(section, element) {
    for (const [name, link] of this.#links) {
      if (name === section) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    fill(this.#main, element);
    window.scrollTo(0, 0);
  }

  focus_page() {
    this.#main.focus({ preventScroll: true });
  }

  /** The number of dead letters, beside "Failures". */
  async count_failures() {
    try {
      this.set_failures((await get("failures", { limit: 1 })).total);
    } catch {
      // The pages say what is wrong; a number in the bar is no place for it.
    }
  }

  set_failures(total) {
    this.#tally.hidden = total === 0;
    fill(this.#tally, count(total), h("span", { class: "only-read" }, " refused rows"));
  }

  /** The daemon is of another version than this page. */
  offer_reload(is_old) {
    this.#old.hidden = !is_old;
  }

  #show_connection(live) {
    const is_live = live.connection === "live";
    const was_live = live.latest !== null;
    this.#connection.dataset.state = is_live ? "live" : "lost";
    this.#connection.textContent = is_live ? "Live" : was_live ? "Offline" : "Connecting";
    this.#lost.hidden = is_live || !was_live;
    if (!this.#lost.hidden) this.#lost.textContent = "No connection to catwalk. What you see may be out of date; trying again…";
  }
}

function theme_button() {
  const button = h("button", { class: "icon-button", onclick: () => show(next_theme()) });
  function show(theme) {
    button.title = `Colours: ${theme_words[theme]}`;
    button.setAttribute("aria-label", `Colours: ${theme_words[theme]}. Change`);
    fill(button, icon(theme));
  }
  show(chosen_theme());
  return button;
}

function leave_button(leave) {
  return h("button", { class: "icon-button", title: "Log out", "aria-label": "Log out", onclick: leave }, icon("leave"));
}
