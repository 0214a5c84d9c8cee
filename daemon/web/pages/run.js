// One run: what came of it, what differs from the one before, what went wrong, where its time went.
import { get, thing } from "../api.js";
import { run_badge } from "../badge.js";
import { h } from "../element.js";
import { count, counted, duration, full_moment } from "../format.js";
import { icon } from "../icon.js";
import { empty, load_into } from "../loading.js";
import { address } from "../router.js";
import { RunningRuns } from "../running_runs.js";
import { StageBar } from "../stage_bar.js";
import { Table } from "../table.js";
import { time_label } from "../time_label.js";

/** Counts by outcome; where less is better, more is marked. */
const outcomes = [
  ["products", "read"],
  ["new", "new"],
  ["changed", "changed"],
  ["unchanged", "unchanged"],
  ["reappeared", "back again"],
  ["gone", "gone"],
  ["skipped", "skipped", "fewer is better"],
  ["images_embedded", "vectors made"],
  ["images_failed", "pictures failed", "fewer is better"],
  ["rows_sent", "rows sent"],
  ["rows_dead", "rows refused", "fewer is better"],
  ["rows_waiting", "rows waiting"],
];

export function run_page({ live, signal, words: [id] }) {
  const body = h("div", { class: "page" });
  const running = new RunningRuns();
  const is_this = ({ id: other }) => String(other) === id;
  const load = () =>
    load_into(body, () => get(thing("runs", id), {}, signal), (run) => (run.state === "running" ? running_run(run, running) : ended_run(run)));

  const show = ({ runs }) => running.show({ runs: runs.filter(is_this) });
  live.addEventListener("status", ({ detail }) => show(detail), { signal });
  live.addEventListener("run_ended", ({ detail }) => is_this(detail) && load(), { signal });
  if (live.latest) show(live.latest);
  load();

  return {
    title: `Run ${id}`,
    element: h(
      "div",
      { class: "page" },
      h("a", { class: "back", href: address("runs") }, icon("back"), "Runs"),
      h("div", { class: "page-head" }, h("h1", null, `Run ${id}`)),
      body,
    ),
  };
}

function summary(run) {
  return h(
    "p",
    { class: "run-summary" },
    run_badge(run.state),
    run.timed_out && h("span", { class: "badge warn" }, "ended by its time limit"),
    h("strong", null, run.job),
    h("span", { title: full_moment(new Date(run.started)) }, "started ", time_label(new Date(run.started))),
    run.seconds !== null && h("span", null, `took ${duration(run.seconds)}`),
  );
}

function running_run(run, running) {
  return [summary(run), running.element];
}

function ended_run(run) {
  const { previous, error_groups, skip_groups } = run;
  return [
    summary(run),
    section(
      previous ? ["Outcome, and the difference from ", h("a", { href: address(["runs", previous.id]) }, `run ${previous.id}`)] : "Outcome",
      h("dl", { class: "outcomes" }, outcomes.map(([name, words, fewer]) => outcome(words, run[name], previous?.[name], fewer))),
    ),
    run.stages.length > 0 && section("Where the time went", new StageBar(run.stages).element),
    section(
      error_groups.length > 0 ? `Errors: ${count(run.errors)}` : "Errors",
      error_groups.length > 0
        ? h("ul", { class: "groups" }, error_groups.map((group) => problem(group, group.message, group.example)))
        : empty("check", "No error"),
    ),
    skip_groups.length > 0 &&
      section(
        `Skipped: ${counted(run.skipped, "item")}`,
        h("ul", { class: "groups" }, skip_groups.map((group) => problem(group, group.reason, group.example))),
      ),
    run.by_site.length > 0 && h("section", { class: "panel" }, h("div", { class: "panel-head" }, h("h2", null, "By site")), by_site(run.by_site)),
  ];
}

function section(title, ...content) {
  return h("section", { class: "panel" }, h("div", { class: "panel-head" }, h("h2", null, title)), h("div", { class: "panel-body" }, content));
}

function outcome(words, value, difference, fewer_is_better) {
  const kind = !difference ? "quiet" : fewer_is_better ? (difference > 0 ? "worse" : "better") : "";
  const sign = difference > 0 ? "+" : "−";
  return h(
    "div",
    null,
    h("dt", null, words),
    h(
      "dd",
      { class: "number" },
      h("strong", null, count(value)),
      " ",
      difference !== undefined && h("span", { class: `difference ${kind}` }, difference === 0 ? "±0" : `${sign}${count(Math.abs(difference))}`),
    ),
  );
}

function problem({ site, count: times }, message, example) {
  return h(
    "li",
    null,
    h("div", { class: "group-head" }, h("span", { class: "badge bad number" }, `${count(times)} ×`), h("strong", { class: "words" }, message)),
    site && h("p", { class: "quiet" }, site),
    example && example !== message && h("details", null, h("summary", null, "An example"), h("pre", { class: "code" }, example)),
  );
}

function by_site(rows) {
  const table = new Table({
    caption: "The run's sites",
    key: (row) => row.site,
    columns: [
      { name: "Site", header: true, wide: true, cell: (row) => h("a", { href: address("sites", { open: row.site }) }, row.site) },
      { name: "Listings", number: true, cell: (row) => `${count(row.endpoints_complete)} of ${count(row.endpoints)}` },
      { name: "Pages", number: true, cell: (row) => count(row.pages) },
      { name: "Unchanged", number: true, cell: (row) => count(row.pages_unchanged) },
      { name: "Products", number: true, cell: (row) => count(row.products) },
      { name: "New", number: true, cell: (row) => count(row.new) },
      { name: "Changed", number: true, cell: (row) => count(row.changed) },
      { name: "Gone", number: true, cell: (row) => count(row.gone) },
      { name: "Skipped", number: true, cell: (row) => count(row.skipped) },
      { name: "Took", number: true, cell: (row) => duration(row.seconds ?? NaN) },
      { name: "Remarks", wide: true, cell: remarks },
    ],
  });
  table.show(rows);
  return table.element;
}

function remarks({ blocked, limited, held_back, missed, errors }) {
  const all = [
    blocked && `refused: ${blocked}`,
    limited && "ended by its limit",
    held_back > 0 && `${count(held_back)} gone, held back by the guard`,
    missed > 0 && `${count(missed)} missed`,
    errors.length > 0 && counted(errors.length, "error"),
  ].filter(Boolean);
  return all.length > 0 ? all.join("; ") : "–";
}
