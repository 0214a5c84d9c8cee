#pragma once
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <optional>
#include <string>
#include <utility>

#include "core/http_client.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/loopback_server.hpp"
#include "tests/support/result_printer.hpp"

namespace catwalk::testing {

/// A loop with a client on it, guard off unless a test asks for it.
struct http_fixture {
  using server = loopback_server;
  using reply = loopback_server::reply;
  using request = loopback_server::request;

  static http_client_options open_options() {
    http_client_options options;
    options.name = "test";
    options.user_agent = "catwalk-test/1";
    options.guard_addresses = false;
    return options;
  }

  static http_request get(std::string url) {
    http_request r;
    r.url = std::move(url);
    r.timeout = std::chrono::seconds(10);
    return r;
  }

  result<http_response> fetch(http_request r) { return fetch(client, std::move(r)); }

  result<http_response> fetch(http_client& by, http_request r) {
    std::optional<result<http_response>> outcome;
    boost::asio::co_spawn(loop, by.fetch(std::move(r)),
                          [&](const std::exception_ptr& e, result<http_response> got) {
                            if (e) std::rethrow_exception(e);
                            outcome.emplace(std::move(got));
                          });
    loop.restart();
    loop.run();
    REQUIRE(outcome.has_value());
    return std::move(*outcome);
  }

  boost::asio::io_context loop{1};
  http_client client{loop.get_executor(), open_options()};
};

}  // namespace catwalk::testing
