// Which module makes which page.
import { catalogue_page } from "./pages/catalogue.js";
import { failures_page } from "./pages/failures.js";
import { overview_page } from "./pages/overview.js";
import { product_page } from "./pages/product.js";
import { run_page } from "./pages/run.js";
import { runs_page } from "./pages/runs.js";
import { sites_page } from "./pages/sites.js";
import { unknown_page } from "./pages/unknown.js";

/** What a path names: list, and detail where there is one more word. */
const pages = {
  overview: { list: overview_page },
  runs: { list: runs_page, detail: run_page },
  catalogue: { list: catalogue_page, detail: product_page },
  failures: { list: failures_page },
  sites: { list: sites_page },
};

/**
 * { section, make } of the path's words. `make({ live, shell, query, signal, words })` returns { title, element };
 * `signal` is aborted when the page is left: everything that the page listens to or waits for hangs on it.
 */
export function page_of(path) {
  const section = path[0] ?? "overview";
  const known = Object.hasOwn(pages, section) ? pages[section] : {};
  const make = path.length > 1 ? known.detail : known.list;
  return make && path.length <= 2 ? { section, make } : { section: "", make: unknown_page };
}
