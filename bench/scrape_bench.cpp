// Everything that `catwalk scrape` does but embedding: reads the sites of a file into a catalogue of its own.
//   scrape_bench SITES.yaml STATE_DIR
// Prints the products read, and the CPU seconds of this process, as JSON.
#include <sys/resource.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <clocale>
#include <iostream>
#include <iterator>

#include "config/load.hpp"
#include "core/file.hpp"
#include "core/log.hpp"
#include "daemon/site_run.hpp"
#include "scrape/fetcher.hpp"

using namespace catwalk;
namespace asio = boost::asio;

namespace {

double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

struct workplace {
  asio::io_context loop{1};
  asio::thread_pool cpu{2};
  metrics counters;
  config::fetch_settings settings;
  std::shared_ptr<storage::state_database> database;
  std::unique_ptr<storage::catalogue> catalogue;
  std::unique_ptr<http_client> http;
  std::unique_ptr<scrape::fetcher> pages;
  daemon::intake_gate intake{loop.get_executor(), "pages", [] { return std::optional<std::string>(); }};
};

asio::awaitable<void> read_sites(workplace& at, const std::vector<config::site>& sites,
                                 std::vector<daemon::site_report>& reports) {
  const auto run = co_await at.catalogue->begin_run("bench", std::nullopt);
  if (!run) throw exception(run.error());
  for (const config::site& site : sites) {
    daemon::site_report& report = reports.emplace_back();
    report.site = site.name;
    daemon::committing_page_sink::parts parts{at.loop.get_executor(),
                                              *at.catalogue,
                                              at.intake,
                                              at.counters,
                                              true,
                                              "bench",
                                              [] {},
                                              [] { return std::shared_ptr<const storage::layout>(); },
                                              at.settings.images_revalidate};
    daemon::committing_page_sink sink(parts, site, *run, {}, report);
    scrape::source_context context{site, at.settings, *at.pages, at.cpu.get_executor(), make_cookie_jar(),
                                   false};  // as with a sink that stores no raw items
    co_await daemon::read_site(context, sink, report);
  }
  const auto ended = co_await at.catalogue->end_run(*run, storage::run_state::done, "{}", "[]");
  if (!ended) throw exception(ended.error());
}

int measure(const std::string& sites_file, const std::string& state_dir) {
  const auto text = read_file(sites_file);
  if (!text) throw exception(text.error());
  const auto loaded = config::parse_sites(*text, sites_file);
  if (config::has_errors(loaded.found)) {
    for (const auto& problem : loaded.found) std::cerr << config::to_string(problem) << '\n';
    return 2;
  }
  workplace at;
  at.settings.pages.delay = std::chrono::milliseconds(0);
  at.settings.robots = false;
  storage::state_options state;
  state.dir = state_dir;
  state.min_free = 1;
  auto database = storage::state_database::open(state);
  if (!database) throw exception(database.error());
  at.database = std::move(*database);
  at.catalogue = std::make_unique<storage::catalogue>(at.database);
  http_client_options client;
  client.name = "shops";
  client.user_agent = "catwalk-bench/1";
  client.guard_addresses = false;
  at.http = std::make_unique<http_client>(at.loop.get_executor(), client);
  auto robots = scrape::make_robots_cache(at.loop.get_executor(), *at.http, client.user_agent);
  at.pages = std::make_unique<scrape::fetcher>(at.loop.get_executor(), *at.http, robots,
                                               scrape::fetcher::options{at.settings.pages, "catwalk", 3});

  const auto began = std::chrono::steady_clock::now();
  const double cpu_before = cpu_seconds();
  std::vector<daemon::site_report> reports;
  reports.reserve(loaded.sites.size());
  asio::co_spawn(at.loop, read_sites(at, loaded.sites, reports), [](const std::exception_ptr& failed) {
    if (failed) std::rethrow_exception(failed);
  });
  at.loop.run();
  at.cpu.join();
  at.database->close();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;

  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  nlohmann::json out{{"products", 0}, {"errors", nlohmann::json::array()}};
  for (const auto& report : reports) {
    out["products"] = out["products"].get<int>() + report.products;
    for (const auto& error : report.errors) out["errors"].push_back(error);
  }
  out["seconds"] = took.count();
  out["cpu_seconds"] = cpu_seconds() - cpu_before;
  out["peak_rss_mb"] = static_cast<double>(used.ru_maxrss) / 1024;
  std::cout << out.dump() << '\n';
  return out["errors"].empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::setlocale(LC_CTYPE, "C.UTF-8");
  if (argc != 3) {
    std::cerr << "usage: scrape_bench SITES.yaml STATE_DIR\n";
    return 2;
  }
  start_logging("warn", "text");
  try {
    return measure(argv[1], argv[2]);
  } catch (const std::exception& failed) {
    std::cerr << "scrape_bench: " << failed.what() << '\n';
    return 1;
  }
}
