// The sites with their figures, in a table; the overview's.
import { site_badge } from "./badge.js";
import { h } from "./element.js";
import { count } from "./format.js";
import { meter } from "./meter.js";
import { address } from "./router.js";
import { Table } from "./table.js";
import { time_label } from "./time_label.js";

export class SiteTable extends Table {
  constructor() {
    super({
      caption: "Sites and how they are",
      key: (site) => site.name,
      columns: [
        { name: "Site", header: true, wide: true, cell: site_name },
        { name: "Last success", cell: (site) => time_label(as_date(site.last_success)) },
        { name: "Next run", cell: next_run },
        { name: "Products", number: true, cell: (site) => h("a", { href: address("catalogue", { site: site.name }) }, count(site.products)) },
        { name: "New", number: true, cell: (site) => last(site, "new") },
        { name: "Changed", number: true, cell: (site) => last(site, "changed") },
        { name: "Gone", number: true, cell: (site) => last(site, "gone") },
        { name: "Pictures", cell: (site) => meter(site.coverage.images, site.products) },
        { name: "Vectors", cell: (site) => meter(site.coverage.vectors, site.products) },
      ],
    });
  }
}

export function as_date(text) {
  return text ? new Date(text) : null;
}

function site_name(site) {
  return h(
    "div",
    { class: "site-name" },
    h("a", { class: "words", href: address("sites", { open: site.name }) }, site.name),
    site.state !== "idle" && site_badge(site.state),
    site.alarm && h("span", { class: "badge warn" }, "alarm"),
    !site.configured && h("span", { class: "badge" }, "not in sites.yaml"),
  );
}

function next_run(site) {
  if (site.paused) return h("span", { class: "quiet" }, "paused");
  return time_label(as_date(site.next_run), "not scheduled");
}

/** A number of the site's latest run. */
function last({ last_run }, name) {
  return last_run ? count(last_run[name]) : h("span", { class: "quiet" }, "–");
}
