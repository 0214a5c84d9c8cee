// What the daemon is doing, whether it is well, and how each site is.
import { get } from "../api.js";
import { fill, h } from "../element.js";
import { bytes, count, counted, duration, percent } from "../format.js";
import { HealthPanel } from "../health_panel.js";
import { LineChart } from "../line_chart.js";
import { empty, load_into } from "../loading.js";
import { RunningRuns } from "../running_runs.js";
import { SiteTable } from "../site_table.js";
import { time_label } from "../time_label.js";

export function overview_page({ live, signal }) {
  const health = new HealthPanel();
  const running = new RunningRuns();
  const tiles = h("dl", { class: "tiles" });
  const charts = {
    queue: new LineChart("Pictures in the queue"),
    pending: new LineChart("Vectors to be made"),
    outbox: new LineChart("Rows for the sink"),
  };
  const sites = new SiteTable();
  const sites_body = h("div");

  const load_sites = () =>
    load_into(
      sites_body,
      () => get("sites", { limit: 200 }, signal),
      ({ items }) => {
        sites.show(items);
        return items.length > 0 ? sites.element : empty("sites", "No site yet", "sites.yaml names the shops to read.");
      },
    );

  function show(status) {
    health.show(status);
    running.show(status);
    fill(tiles, overview_tiles(status));
    const series = (name) => live.samples.map((sample) => ({ at: sample.at, value: sample[name] }));
    const { queue, images, outbox } = status;
    charts.queue.show(series("queue"), `${bytes(queue.bytes)} of ${bytes(queue.limit_bytes)}`);
    charts.pending.show(series("pending"), `${count(images.embedded)} made since the start`);
    charts.outbox.show(series("outbox"), outbox ? `${count(outbox.sent)} sent since the start` : "there is no sink");
  }

  live.addEventListener("status", ({ detail }) => show(detail), { signal });
  for (const name of ["site", "run_started", "run_ended"]) live.addEventListener(name, load_sites, { signal });
  if (live.latest) show(live.latest);
  load_sites();

  return {
    title: "Overview",
    element: h(
      "div",
      { class: "page" },
      h("div", { class: "page-head" }, h("h1", null, "Overview"), health.badge),
      health.element,
      running.element,
      tiles,
      h("section", { class: "charts", "aria-label": "The last five minutes" }, Object.values(charts).map((chart) => chart.element)),
      h("section", { class: "panel" }, h("div", { class: "panel-head" }, h("h2", null, "Sites")), sites_body),
    ),
  };
}

function overview_tiles({ catalogue, model, next_run, uptime_seconds, version }) {
  const { products, gone, vectors_ready, vectors_failed, vectors_stale } = catalogue;
  const troubled = [
    vectors_failed > 0 && `${count(vectors_failed)} failed`,
    vectors_stale > 0 && `${count(vectors_stale)} out of date`,
  ].filter(Boolean);
  return [
    tile("Products", count(products), gone > 0 ? `${count(gone)} gone` : "none gone"),
    tile("With a vector", percent(vectors_ready, products), troubled.join(", ") || counted(vectors_ready, "vector")),
    tile("Next run", next_run ? time_label(new Date(next_run)) : "none", next_run ? "by the schedule" : "no job is scheduled"),
    tile("Model", model?.name ?? "loading", model ? `${model.dim} numbers${model.untrained ? ", untrained" : ""}` : ""),
    tile("Up for", duration(uptime_seconds), `version ${version}`),
  ];
}

function tile(name, value, note) {
  return h("div", { class: "tile panel" }, h("dt", null, name), h("dd", { class: "tile-value number" }, value), h("dd", { class: "quiet" }, note));
}
