// The page's few icons, drawn on a grid of 20 x 20. They say nothing that the text beside them does not.
import { svg } from "./element.js";

const paths = {
  overview: "M3 11h5v6H3zM12 3h5v14h-5zM3 3h5v4H3z",
  runs: "M10 3a7 7 0 1 0 7 7M10 6v4l3 2M13 3h4v4",
  catalogue: "M10 7.5V6.2a1.7 1.7 0 1 1 1.7-1.7M10 7.5 2.6 13c-.9.7-.4 2 .7 2h13.4c1.1 0 1.6-1.3.7-2z",
  failures: "M10 3 2 17h16zM10 8v4M10 14.2v.3",
  sites: "M3 8l1-4h12l1 4M4 8v9h12V8M3 8a2.3 2.3 0 0 0 4.7 0 2.3 2.3 0 0 0 4.6 0 2.3 2.3 0 0 0 4.7 0M8 17v-4h4v4",
  search: "M9 3a6 6 0 1 0 0 12A6 6 0 0 0 9 3M13.5 13.5 17 17",
  picture: "M3 4h14v12H3zM3 14l4-4 3 3 3-3.5 4 4.5M7 7.5v.1",
  system: "M3 4h14v9H3zM7 17h6M10 13v4",
  light: "M10 6.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7M10 2v1.5M10 16.5V18M2 10h1.5M16.5 10H18M4.3 4.3l1.1 1.1M14.6 14.6l1.1 1.1M4.3 15.7l1.1-1.1M14.6 5.4l1.1-1.1",
  dark: "M16.5 12A7 7 0 0 1 8 3.5 7 7 0 1 0 16.5 12z",
  leave: "M8 4H4v12h4M8 10h9M14 7l3 3-3 3",
  play: "M6 4l10 6-10 6z",
  pause: "M7 4v12M13 4v12",
  stop: "M5 5h10v10H5z",
  retry: "M16 10a6 6 0 1 1-2-4.5M16 3v3.5h-3.5",
  bin: "M4 6h12M8 6V4h4v2M6 6l.7 11h6.6L14 6M8.5 9v5M11.5 9v5",
  check: "M4 10.5 8 14.5 16 6",
  alert: "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14M10 6.5v4.5M10 13.4v.3",
  close: "M5 5l10 10M15 5 5 15",
  outside: "M8 5H4v11h11v-4M11 4h5v5M16 4l-7 7",
  back: "M12 4 6 10l6 6",
};

/** icon("play"): hidden from screen readers, coloured as the text around it. */
export function icon(name) {
  return svg("svg", { class: "icon", viewBox: "0 0 20 20", "aria-hidden": "true" }, svg("path", { d: paths[name] }));
}
