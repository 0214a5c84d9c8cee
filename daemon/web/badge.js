// A state in one word and one colour.
import { h } from "./element.js";

const run_states = {
  running: ["live", "running"],
  done: ["good", "done"],
  partly: ["warn", "partly"],
  failed: ["bad", "failed"],
  interrupted: ["warn", "interrupted"],
  cancelled: ["", "cancelled"],
};
const site_states = {
  idle: ["", "idle"],
  running: ["live", "running"],
  blocked: ["bad", "blocked"],
  paused: ["warn", "paused"],
};
const vector_states = {
  ready: ["good", "vector ready"],
  pending: ["warn", "vector pending"],
  failed: ["bad", "no vector: picture failed"],
  stale: ["warn", "vector out of date"],
  none: ["", "no picture"],
};
const availabilities = {
  in_stock: ["good", "in stock"],
  out_of_stock: ["bad", "out of stock"],
  unknown: ["", "stock unknown"],
};

export const run_badge = (state) => badge(run_states, state);
export const site_badge = (state) => badge(site_states, state);
export const vector_badge = (state) => badge(vector_states, state);
export const availability_badge = (state) => badge(availabilities, state);

/** A state that this page does not know yet is shown as the daemon writes it. */
function badge(table, state) {
  const [kind, words] = table[state] ?? ["", state];
  return h("span", { class: `badge ${kind}` }, words);
}
