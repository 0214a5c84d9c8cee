// <time> elements that keep saying how long ago (or in how long) their moment is.
import { h } from "./element.js";
import { full_moment, relative } from "./format.js";

const refresh_ms = 5000;

/** `when`: a Date; nothing gives the text `otherwise`. */
export function time_label(when, otherwise = "never") {
  if (!when) return h("span", { class: "quiet" }, otherwise);
  return h(
    "time",
    { datetime: when.toISOString(), title: full_moment(when), "data-relative": true },
    relative(when),
  );
}

/** Refreshes every label of the page from now on. */
export function keep_time_labels_fresh() {
  setInterval(() => {
    for (const label of document.querySelectorAll("time[data-relative]")) {
      const words = relative(new Date(label.dateTime));
      if (label.textContent !== words) label.textContent = words;
    }
  }, refresh_ms);
}
