// The sites one by one: run now, pause, resume; and trying an address that is not a site yet.
import { get } from "../api.js";
import { h } from "../element.js";
import { empty, load_into } from "../loading.js";
import { ProbePanel } from "../probe_panel.js";
import { SiteCard } from "../site_card.js";

export function sites_page({ live, query, signal }) {
  const list = h("div", { class: "site-list" });
  const cards = new Map(); // name -> SiteCard
  const open = query.get("open");

  const load = () =>
    load_into(list, () => get("sites", { limit: 200 }, signal), ({ items }) => {
      if (items.length === 0) return empty("sites", "No site yet", "Try a shop's address below: catwalk writes the stanza for sites.yaml.");
      return items.map((site) => {
        if (!cards.has(site.name)) cards.set(site.name, new SiteCard(site.name));
        cards.get(site.name).show(site);
        return cards.get(site.name).element;
      });
    });

  live.addEventListener("site", ({ detail }) => cards.get(detail.name)?.show(detail), { signal });
  for (const name of ["run_started", "run_ended"]) live.addEventListener(name, load, { signal });
  load().then(() => open && cards.get(open)?.element.scrollIntoView({ block: "center" }));

  return {
    title: "Sites",
    element: h("div", { class: "page" }, h("div", { class: "page-head" }, h("h1", null, "Sites")), list, new ProbePanel(signal).element),
  };
}
