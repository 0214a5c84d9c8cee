#include "daemon/probe_run.hpp"

#include <boost/asio/thread_pool.hpp>

#include "scrape/fetcher.hpp"
#include "storage/sink.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

asio::awaitable<result<scrape::probe_report>> run_probe(asio::any_io_executor loop,
                                                        const config::fetch_settings& fetch,
                                                        std::string address,
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
  const scrape::source_context context{site, fetch, pages, cpu.get_executor(), make_cookie_jar()};
  scrape::probe probe(context);
  auto report = co_await probe.run(std::move(address));
  co_return report;
}

nlohmann::json rows_of(const scrape::probe_report& report) {
  auto rows = nlohmann::json::array();
  for (const auto& item : report.products) rows.push_back(storage::row_as_json(item, nullptr, "catwalk"));
  return rows;
}

}  // namespace catwalk::daemon
