// Choosing a picture to search with: by button, or dropped anywhere onto the page, or pasted.
import { h } from "./element.js";
import { icon } from "./icon.js";

export class PictureSearch {
  element;
  #input;

  /** choose(file) is called with each picture that is chosen. */
  constructor(choose, signal) {
    this.#input = h("input", { type: "file", accept: "image/*", class: "only-read", tabindex: "-1", "aria-hidden": "true", onchange: () => this.#take(this.#input.files, choose) });
    const button = h("button", { class: "button", type: "button", onclick: () => this.#input.click() }, icon("picture"), "Search by picture");
    this.element = h("span", { class: "picture-search" }, button, this.#input);

    const listen = (name, act) => document.addEventListener(name, act, { signal });
    const has_files = (event) => event.dataTransfer?.types.includes("Files");
    listen("dragover", (event) => {
      if (!has_files(event)) return;
      event.preventDefault();
      document.body.classList.add("dropping");
    });
    listen("dragleave", (event) => {
      if (event.relatedTarget === null) document.body.classList.remove("dropping");
    });
    listen("drop", (event) => {
      document.body.classList.remove("dropping");
      if (!has_files(event)) return;
      event.preventDefault();
      this.#take(event.dataTransfer.files, choose);
    });
    listen("paste", (event) => this.#take(event.clipboardData?.files ?? [], choose));
  }

  #take([file], choose) {
    if (file) choose(file);
    this.#input.value = "";
  }
}
