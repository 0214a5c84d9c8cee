#pragma once
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base64.hpp"
#include "scrape/guard_proxy.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/result_printer.hpp"

namespace catwalk::testing {

using boost::asio::awaitable;
using boost::asio::ip::tcp;

constexpr auto as_result = boost::asio::as_tuple(boost::asio::use_awaitable);

/// A guard proxy on a loop, and two listeners on loopback: `server`, which its guard permits, and `inside`,
/// which it does not.
struct guard_proxy_fixture {
  explicit guard_proxy_fixture(scrape::guard_proxy_limits limits = {}, bool guarded = true)
      : guard(guarded, {endpoint_text(loopback(), port_of(server))}),
        proxy(loop.get_executor(), guard, limits) {
    inside.non_blocking(true);
    REQUIRE(proxy.start());
    auto admitted =
        proxy.admit([this](const std::string& host, const error& why) { failures.emplace_back(host, why); });
    REQUIRE(admitted);
    pass = *admitted;
  }

  static boost::asio::ip::address loopback() { return boost::asio::ip::address_v4::loopback(); }
  static std::uint16_t port_of(const tcp::acceptor& listener) { return listener.local_endpoint().port(); }
  std::string server_name() const { return "127.0.0.1:" + std::to_string(port_of(server)); }
  std::string inside_port() const { return std::to_string(port_of(inside)); }

  std::string shown(const std::string& user, const std::string& password) const {
    return "Proxy-Authorization: Basic " + base64_encode(user + ":" + password) + "\r\n";
  }
  std::string shown() const { return shown(pass->user, pass->password); }
  std::string connect_to(const std::string& authority) const {
    return "CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\n" + shown() + "\r\n";
  }
  std::string get(const std::string& address) const {
    return "GET " + address + " HTTP/1.1\r\nHost: elsewhere\r\n" + shown() + "\r\n";
  }

  /// A connection to the proxy on which `text` has been said.
  awaitable<tcp::socket> say(std::string text) {
    tcp::socket client(loop);
    co_await client.async_connect(proxy.endpoint(), boost::asio::use_awaitable);
    co_await boost::asio::async_write(client, boost::asio::buffer(text), boost::asio::use_awaitable);
    co_return client;
  }
  static awaitable<std::string> head(tcp::socket& from) {
    std::string text;
    auto buffer = boost::asio::dynamic_buffer(text);
    co_await boost::asio::async_read_until(from, buffer, "\r\n\r\n", as_result);
    co_return text;
  }
  static awaitable<std::string> rest(tcp::socket& from) {
    std::string text;
    auto buffer = boost::asio::dynamic_buffer(text);
    co_await boost::asio::async_read(from, buffer, as_result);
    co_return text;
  }
  static awaitable<void> send(tcp::socket& to, std::string text) {
    co_await boost::asio::async_write(to, boost::asio::buffer(text), as_result);
  }
  /// All that the proxy answers to `text`.
  awaitable<std::string> ask(std::string text) {
    auto client = co_await say(std::move(text));
    co_return co_await rest(client);
  }
  /// A tunnel to `server`: the client's end and the server's.
  awaitable<std::pair<tcp::socket, tcp::socket>> tunnel() {
    auto client = co_await say(connect_to(server_name()));
    auto accepted = co_await server.async_accept(boost::asio::use_awaitable);
    const auto answer = co_await head(client);
    REQUIRE(answer.starts_with("HTTP/1.1 200 "));
    co_return std::pair(std::move(client), std::move(accepted));
  }

  /// Whether anyone has dialled `inside`.
  bool inside_was_reached() {
    boost::system::error_code none;
    tcp::socket accepted(loop);
    inside.accept(accepted, none);
    return !none;
  }

  /// Runs a test's coroutine, then ends the proxy.
  void run(awaitable<void> test) {
    std::exception_ptr failure;
    const auto whole = [&]() -> awaitable<void> {
      try {
        co_await std::move(test);
      } catch (...) {
        failure = std::current_exception();
      }
      co_await proxy.stop();
    };
    boost::asio::co_spawn(loop, whole(), [&](const std::exception_ptr& thrown) {
      if (thrown) failure = thrown;
    });
    loop.run();
    if (failure) std::rethrow_exception(failure);
  }

  boost::asio::io_context loop{1};
  tcp::acceptor server{loop, tcp::endpoint(loopback(), 0)};
  tcp::acceptor inside{loop, tcp::endpoint(loopback(), 0)};
  address_guard guard;
  scrape::guard_proxy proxy;
  std::shared_ptr<const scrape::guard_pass> pass;
  std::vector<std::pair<std::string, error>> failures;
};

}  // namespace catwalk::testing
