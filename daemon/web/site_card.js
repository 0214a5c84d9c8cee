// One site with its figures and what can be done with it.
import { post, thing } from "./api.js";
import { site_badge } from "./badge.js";
import { fill, h } from "./element.js";
import { count } from "./format.js";
import { icon } from "./icon.js";
import { meter } from "./meter.js";
import { tell, tell_failure } from "./notices.js";
import { address } from "./router.js";
import { as_date } from "./site_table.js";
import { time_label } from "./time_label.js";

export class SiteCard {
  element;

  #name;
  #state = h("span", { class: "site-state" });
  #notes = h("div", { class: "site-notes" });
  #facts = h("dl", { class: "site-facts" });
  #run = h("button", { class: "button small", onclick: () => this.#run_now() });
  #pause = h("button", { class: "button small", onclick: () => this.#pause_or_resume() });
  #paused = false;

  constructor(name) {
    this.#name = name;
    this.element = h(
      "article",
      { class: "panel site", "aria-label": name },
      h("div", { class: "panel-head" }, h("h2", { class: "words" }, name), this.#state, h("div", { class: "actions" }, this.#run, this.#pause)),
      h("div", { class: "panel-body" }, this.#notes, this.#facts),
    );
  }

  show(site) {
    const running = site.state === "running";
    this.#paused = site.paused;
    fill(this.#state, site_badge(site.state), site.paused && site.state !== "paused" && h("span", { class: "badge warn" }, "paused"));
    this.#run.disabled = running || !site.configured;
    fill(this.#run, icon("play"), running ? "Running" : "Run now", of(this.#name));
    this.#pause.hidden = !site.configured;
    fill(this.#pause, icon(site.paused ? "play" : "pause"), site.paused ? "Resume" : "Pause", of(this.#name));
    fill(this.#notes, notes(site));
    fill(this.#facts, facts(site));
  }

  async #run_now() {
    this.#run.disabled = true;
    try {
      const { run } = await post(thing("sites", this.#name, "run"));
      tell(`Run ${run} reads ${this.#name}.`);
    } catch (error) {
      this.#run.disabled = false;
      tell_failure(`${this.#name} is not being read`, error);
    }
  }

  async #pause_or_resume() {
    const verb = this.#paused ? "resume" : "pause";
    this.#pause.disabled = true;
    try {
      this.show(await post(thing("sites", this.#name, verb)));
      tell(verb === "pause" ? `The schedule leaves ${this.#name} out.` : `The schedule reads ${this.#name} again.`);
    } catch (error) {
      tell_failure(`${this.#name} could not be ${verb}d`, error);
    }
    this.#pause.disabled = false;
    this.#pause.focus();
  }
}

function of(name) {
  return h("span", { class: "only-read" }, name);
}

function notes({ blocked, alarm, configured, last_run, paused_since }) {
  const note = (kind, ...what) => h("p", { class: `note words ${kind}` }, what);
  return [
    blocked && note("bad", "The shop refused the last run ", time_label(as_date(blocked.since)), ": ", blocked.seen),
    alarm && note("warn", alarm),
    paused_since && note("warn", "Paused ", time_label(as_date(paused_since)), "; the schedule leaves it out."),
    !configured && note("", "No longer in sites.yaml; the catalogue still holds products of it."),
    last_run?.errors.length > 0 && note("bad", last_run.errors[0], last_run.errors.length > 1 && ` (and ${count(last_run.errors.length - 1)} more)`),
  ];
}

function facts(site) {
  const { vectors, last_run, coverage, products } = site;
  const owed = [
    vectors.pending > 0 && `${count(vectors.pending)} pending`,
    vectors.failed > 0 && `${count(vectors.failed)} failed`,
    vectors.stale > 0 && `${count(vectors.stale)} out of date`,
  ].filter(Boolean);
  const rows = [
    ["Products", h("a", { href: address("catalogue", { site: site.name }) }, count(products))],
    ["Gone", count(site.gone)],
    ["Pictures", meter(coverage.images, products)],
    ["Vectors", [meter(coverage.vectors, products), owed.length > 0 && h("div", { class: "quiet" }, owed.join(", "))]],
    ["Last success", time_label(as_date(site.last_success))],
    ["Next run", site.paused ? "paused" : time_label(as_date(site.next_run), "not scheduled")],
    [
      "Last run",
      last_run
        ? [h("a", { href: address(["runs", last_run.id]) }, `run ${last_run.id}`), ` ${count(last_run.new)} new, ${count(last_run.changed)} changed, ${count(last_run.gone)} gone`]
        : "none yet",
    ],
    ["All runs", h("a", { href: address("runs", { site: site.name }) }, "show")],
  ];
  return rows.map(([name, value]) => h("div", null, h("dt", null, name), h("dd", { class: "number" }, value)));
}
