// A product's picture, by way of the daemon: the page asks no shop.
import { h } from "./element.js";
import { icon } from "./icon.js";

/** Empty alternative text: the title stands beside it. */
export function thumbnail({ thumbnail: path }) {
  const frame = h("span", { class: "picture" });
  const missing = () => frame.replaceChildren(icon("picture"), h("span", { class: "quiet" }, path ? "picture cannot be had" : "no picture"));
  if (path) frame.append(h("img", { src: path.replace(/^\//, ""), alt: "", loading: "lazy", decoding: "async", onerror: missing }));
  else missing();
  return frame;
}
