#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "core/error.hpp"

namespace catwalk::scrape {

/// Where a browser's DevTools listen.
struct devtools_address {
  std::string host;  ///< without brackets
  std::uint16_t port = 0;
  std::string path;  ///< of the browser's WebSocket; empty: /json/version says it
};

/// Reads `http://host:port` or `ws://host:port/path`. `invalid_config` for anything else.
result<devtools_address> parse_devtools_address(const std::string& text);

/// A WebSocket to a browser's DevTools (Chrome DevTools Protocol with flat sessions): calls and their
/// answers, and events by session. Loop-only.
class devtools_connection {
 public:
  using listener = std::function<void(const std::string& method, const nlohmann::json& params)>;

  /// `cpu` parses large messages. `max_message` in bytes: a longer one ends the connection.
  devtools_connection(boost::asio::any_io_executor loop, boost::asio::any_io_executor cpu,
                      std::size_t max_message);
  ~devtools_connection();
  devtools_connection(const devtools_connection&) = delete;
  devtools_connection& operator=(const devtools_connection&) = delete;

  /// Connects. `network` where nobody answers or it is no browser.
  boost::asio::awaitable<result<void>> open(devtools_address at);
  /// Whether the open connection goes to a loopback address: the browser is on this machine.
  bool is_local() const;
  /// Reads until the connection ends, by close() or by the browser's end.
  boost::asio::awaitable<void> run();
  bool is_open() const noexcept;
  /// Ends the connection; every call that waits fails.
  void close();

  /// Calls a method and waits for what it returns. Errors: `network` with the browser's words or for a
  /// connection that ended, `timeout`, `cancelled`. An empty session is the browser itself.
  boost::asio::awaitable<result<nlohmann::json>> call(std::string session, std::string method,
                                                      nlohmann::json params,
                                                      std::chrono::milliseconds at_most);
  /// The same without waiting: what comes back is dropped.
  void send(const std::string& session, const std::string& method, nlohmann::json params);

  /// Hands over a session's events, until ignore().
  void listen(const std::string& session, listener to);
  void ignore(const std::string& session);

 private:
  class impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace catwalk::scrape
