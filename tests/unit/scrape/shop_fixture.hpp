#pragma once
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "scrape/fetcher.hpp"
#include "scrape/robots_cache.hpp"
#include "scrape/source.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/loopback_server.hpp"
#include "tests/support/result_printer.hpp"

namespace catwalk::testing {

/// Keeps what a source hands over, and plays the catalogue that remembers pages.
class recording_sink : public scrape::page_sink {
 public:
  boost::asio::awaitable<std::optional<scrape::known_page>> known(const std::string&,
                                                                  const std::string& url) override {
    const auto it = memory.find(url);
    co_return it == memory.end() ? std::nullopt : std::optional(it->second);
  }
  boost::asio::awaitable<result<void>> accept(scrape::page p) override {
    if (failure) co_return *failure;
    auto& remembered = memory[p.url];
    remembered.validators = p.validators;
    if (!p.unchanged) {
      remembered.products = p.products.size();
      remembered.skipped = p.skipped;
    }
    count += static_cast<int>(p.products.size());
    pages.push_back(std::move(p));
    co_return result<void>();
  }
  bool limit_reached() const override { return limit && count >= *limit; }

  std::map<std::string, scrape::known_page> memory;
  std::vector<scrape::page> pages;
  std::optional<error> failure;
  std::optional<int> limit;
  int count = 0;
};

/// A loop, a client without guard, one polite lane without delays, and a CPU pool.
struct shop_fixture {
  using server = loopback_server;
  using reply = loopback_server::reply;
  using request = loopback_server::request;

  static http_client_options client_options() {
    http_client_options options;
    options.name = "test";
    options.user_agent = "catwalk-test/1";
    options.guard_addresses = false;
    return options;
  }

  static scrape::fetcher::options lane(std::chrono::milliseconds delay = std::chrono::milliseconds(0),
                                       int per_host = 1, int concurrency = 8) {
    return {{concurrency, per_host, delay, std::chrono::seconds(5), 5'000'000},
            "catwalk",
            3,
            std::chrono::milliseconds(10)};
  }

  /// Runs until everything that was started has ended, and returns what `task` returned.
  template <class T>
  T run(boost::asio::awaitable<T> task) {
    std::optional<T> outcome;
    boost::asio::co_spawn(loop, std::move(task), [&](const std::exception_ptr& e, T got) {
      if (e) std::rethrow_exception(e);
      outcome.emplace(std::move(got));
    });
    loop.restart();
    loop.run();
    REQUIRE(outcome.has_value());
    return std::move(*outcome);
  }

  result<http_response> fetch(scrape::fetcher& by, std::string url, bool respect_robots = false) {
    scrape::fetch_request wanted;
    wanted.http.url = std::move(url);
    wanted.http.timeout = std::chrono::seconds(5);
    wanted.respect_robots = respect_robots;
    return run(by.fetch(std::move(wanted)));
  }

  boost::asio::io_context loop{1};
  http_client client{loop.get_executor(), client_options()};
  std::shared_ptr<scrape::robots_cache> robots = std::make_shared<scrape::robots_cache>(
      loop.get_executor(), client, "catwalk-test/1", std::chrono::milliseconds(1));
  boost::asio::thread_pool cpu{1};
};

}  // namespace catwalk::testing
