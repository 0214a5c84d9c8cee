// All runs, the latest first.
import { get } from "../api.js";
import { run_badge } from "../badge.js";
import { h } from "../element.js";
import { count, duration } from "../format.js";
import { empty, load_into } from "../loading.js";
import { more_button } from "../more_rows.js";
import { address } from "../router.js";
import { Table } from "../table.js";
import { time_label } from "../time_label.js";

export function runs_page({ live, query, signal }) {
  const site = query.get("site");
  const body = h("div");
  const load = (after) => get("runs", { site, after }, signal);
  const show = () =>
    load_into(body, load, ({ items, next }) => {
      if (items.length === 0)
        return empty("runs", "No run yet", "A job of the schedule begins one, or “Run now” on the page ", h("a", { href: address("sites") }, "Sites"), ".");
      const table = run_table();
      table.show(items);
      return [table.element, more_button(next, load, (more) => table.add(more))];
    });
  for (const name of ["run_started", "run_ended"]) live.addEventListener(name, () => show(), { signal });
  show();
  return {
    title: "Runs",
    element: h(
      "div",
      { class: "page" },
      h(
        "div",
        { class: "page-head" },
        h("h1", null, site ? `Runs of ${site}` : "Runs"),
        site && h("a", { href: address("runs") }, "All runs"),
      ),
      h("section", { class: "panel" }, body),
    ),
  };
}

function run_table() {
  return new Table({
    caption: "Runs, the latest first",
    key: (run) => String(run.id),
    columns: [
      { name: "Run", header: true, wide: true, cell: run_name },
      { name: "State", cell: (run) => run_badge(run.state) },
      { name: "Started", cell: (run) => time_label(new Date(run.started)) },
      { name: "Took", number: true, cell: (run) => duration(run.seconds ?? NaN) },
      { name: "Products", number: true, cell: (run) => count(run.products) },
      { name: "New", number: true, cell: (run) => count(run.new) },
      { name: "Changed", number: true, cell: (run) => count(run.changed) },
      { name: "Gone", number: true, cell: (run) => count(run.gone) },
      { name: "Vectors", number: true, cell: (run) => count(run.images_embedded) },
      { name: "Rows sent", number: true, cell: (run) => count(run.rows_sent) },
      { name: "Errors", number: true, cell: (run) => (run.errors > 0 ? h("span", { class: "badge bad" }, count(run.errors)) : count(0)) },
    ],
  });
}

function run_name(run) {
  const sites = run.sites.length > 3 ? `${run.sites.slice(0, 2).join(", ")} and ${run.sites.length - 2} more` : run.sites.join(", ");
  return h(
    "div",
    { class: "run-name" },
    h("a", { href: address(["runs", run.id]) }, `${run.id} · ${run.job}`),
    h("span", { class: "quiet words" }, sites),
  );
}
