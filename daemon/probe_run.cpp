#include "daemon/probe_run.hpp"

#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/system/system_error.hpp>
#include <exception>
#include <memory>
#include <optional>

#include "scrape/browser.hpp"
#include "scrape/browser_process.hpp"
#include "scrape/fetcher.hpp"
#include "storage/sink.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

namespace {

bool is_at_hand(const config::fetch_settings& fetch) {
  return fetch.browser != "auto" || scrape::chromium_is_installed();
}

}  // namespace

asio::awaitable<result<scrape::probe_report>> run_probe(asio::any_io_executor loop,
                                                        const config::fetch_settings& fetch,
                                                        std::string address, probe_browser rendering,
                                                        std::vector<std::string> permitted) {
  http_client_options client;
  client.name = "shops";
  client.user_agent = fetch.user_agent;
  client.guard_addresses = !fetch.allow_private_addresses;
  client.permitted_endpoints = std::move(permitted);
  client.http_proxy = fetch.http_proxy;
  client.https_proxy = fetch.https_proxy;
  client.no_proxy = fetch.no_proxy;
  client.insecure_tls = fetch.insecure_ssl;
  http_client http(loop, client);
  const auto robots = scrape::make_robots_cache(loop, http, fetch.user_agent);
  scrape::fetcher::options lane{fetch.pages, fetch.user_agent.substr(0, fetch.user_agent.find_first_of("/ ")),
                                2};
  scrape::fetcher pages(loop, http, robots, lane);
  asio::thread_pool cpu(1);
  config::site site;
  site.name = site.brand = "probe";
  std::unique_ptr<scrape::browser> browser;
  std::unique_ptr<scrape::page_renderer> renderer;
  if (rendering == probe_browser::where_it_is && is_at_hand(fetch)) {
    scrape::browser::options options{fetch, client.permitted_endpoints};
    browser = std::make_unique<scrape::browser>(loop, cpu.get_executor(), std::move(options));
    renderer = browser->open(site);
  }
  const scrape::source_context context{site, fetch,         pages, cpu.get_executor(), make_cookie_jar(),
                                       true, renderer.get()};
  scrape::probe probe(context);
  std::optional<result<scrape::probe_report>> report;
  std::exception_ptr stopped;
  try {
    report = co_await probe.run(std::move(address));
  } catch (const boost::system::system_error&) {
    stopped = std::current_exception();
  }
  renderer.reset();
  if (browser) {
    // Also where the probe was cancelled: the browser must be gone before what it uses.
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await browser->stop();
  }
  if (stopped) std::rethrow_exception(stopped);
  co_return std::move(*report);
}

nlohmann::json rows_of(const scrape::probe_report& report) {
  auto rows = nlohmann::json::array();
  for (const auto& item : report.products) rows.push_back(storage::row_as_json(item, nullptr, "catwalk"));
  return rows;
}

}  // namespace catwalk::daemon
