#include "daemon/site_overview.hpp"

#include <algorithm>
#include <set>

#include "config/letter_case.hpp"
#include "daemon/run_json.hpp"
#include "daemon/time_text.hpp"
#include "storage/catalogue_browser.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

namespace {

using nlohmann::json;

double part_of(std::int64_t some, std::int64_t all) {
  return all == 0 ? 0 : static_cast<double>(some) / static_cast<double>(all);
}

json text_or_null(const std::string& text) {
  return text.empty() ? json() : json(text);
}

json stock_json(const storage::site_stock& stock) {
  json vectors = json::object();
  for (const auto* state : {"ready", "pending", "failed", "stale", "none"}) {
    const auto found = stock.vectors.find(state);
    vectors[state] = found == stock.vectors.end() ? 0 : found->second;
  }
  const auto ready = vectors["ready"].get<std::int64_t>();
  return {
      {"last_success", time_json(stock.last_success)},
      {"products", stock.products},
      {"gone", stock.gone},
      {"vectors", std::move(vectors)},
      {"coverage",
       {{"images", part_of(stock.with_image, stock.products)}, {"vectors", part_of(ready, stock.products)}}}};
}

json now_json(const application& app, const std::string& name) {
  const auto& runs = app.runs();
  const auto paused = app.paused().since(name);
  const auto reader = runs.reader_of(name);
  const auto blocked = runs.blocked().find(name);
  const auto alarm = runs.sync_alarms().find(name);
  const auto next = app.next_run_of(name);
  json j{{"state", site_state(app, name)},
         {"paused", paused.has_value()},
         {"paused_since", time_json(paused)},
         {"run", reader ? json(*reader) : json()},
         {"blocked", nullptr},
         {"alarm", alarm == runs.sync_alarms().end() ? json() : json(alarm->second)},
         {"next_run", next ? json(time_text(*next)) : json()}};
  if (blocked != runs.blocked().end())
    j["blocked"] = {{"since", time_text(blocked->second.since)}, {"seen", blocked->second.seen}};
  return j;
}

}  // namespace

const config::site* find_site(const application& app, const std::string& name) {
  const auto wanted = config::lower_case(name);
  for (const auto& site : app.loaded().sites)
    if (config::lower_case(site.name) == wanted) return &site;
  return nullptr;
}

std::string_view site_state(const application& app, const std::string& site) {
  if (app.runs().reader_of(site)) return "running";
  if (app.runs().blocked().contains(site)) return "blocked";
  return app.paused().since(site) ? "paused" : "idle";
}

asio::awaitable<result<std::vector<json>>> site_overview(application& app) {
  storage::catalogue_browser browser(app.database());
  const auto stock = co_await browser.stock();
  if (!stock) co_return stock.error();
  const auto latest = co_await browser.latest_runs();
  if (!latest) co_return latest.error();
  std::set<std::string> names;
  for (const auto& site : app.loaded().sites) names.insert(site.name);
  for (const auto& [name, held] : *stock) names.insert(name);
  std::vector<json> sites;
  for (const auto& name : names) {
    const auto* configured = find_site(app, name);
    const auto held = stock->find(name);
    const auto run = latest->find(name);
    json j{{"name", name},
           {"brand", configured ? configured->brand : name},
           {"merchant", configured ? text_or_null(configured->merchant) : json()},
           {"country", configured ? configured->country : ""},
           {"configured", configured != nullptr},
           {"last_run", run == latest->end() ? json() : site_run_json(run->second, name)}};
    j.update(stock_json(held == stock->end() ? storage::site_stock() : held->second));
    j.update(now_json(app, name));
    sites.push_back(std::move(j));
  }
  co_return sites;
}

}  // namespace catwalk::daemon
