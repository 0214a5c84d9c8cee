#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.hpp"

namespace catwalk {

/// Header names compare without case; order and repeats are kept.
class http_headers {
 public:
  using entry = std::pair<std::string, std::string>;
  http_headers() = default;
  http_headers(std::initializer_list<entry> list) : list_(list) {}
  void add(std::string name, std::string value) { list_.emplace_back(std::move(name), std::move(value)); }
  /// Replaces every entry of that name.
  void set(std::string_view name, std::string value);
  /// Sets the header only where no entry of that name exists.
  void set_default(std::string_view name, std::string value);
  /// Drops every entry of that name.
  void remove(std::string_view name);
  /// The first value of that name.
  std::optional<std::string_view> find(std::string_view name) const noexcept;
  const std::vector<entry>& entries() const noexcept { return list_; }
  void clear() noexcept { list_.clear(); }

 private:
  std::vector<entry> list_;
};

struct http_request {
  std::string method = "GET";
  std::string url;
  http_headers headers;
  std::string body;
  std::chrono::milliseconds timeout{60'000};  ///< wall time for the whole transfer, redirects included
  std::size_t max_bytes = 50'000'000;         ///< cap on the decoded body
  int max_redirects = 5;                      ///< http and https only; 0: a redirect is itself the answer
  std::string proxy;                          ///< overrides the client's proxy; empty: the client's
  std::shared_ptr<class cookie_jar> cookies;  ///< null: no cookies
  /// When set, gets the decoded body of a success (2xx) piece by piece instead of `http_response::body`,
  /// which keeps the body of any other answer. Returning an error stops the transfer with that error. Called
  /// on the loop; must not destroy the client.
  std::function<result<void>(std::string_view piece)> on_body;
  /// Bytes to skip by a Range request (resuming a download); 0: none. A server that ignores it answers 200:
  /// with on_body the transfer then ends before the body, so that nothing is appended twice.
  std::uint64_t resume_from = 0;
};

struct http_response {
  int status = 0;
  http_headers headers;
  std::string body;  ///< decoded (gzip, deflate, br as libcurl supports)
  std::string url;   ///< after redirects
  std::chrono::microseconds elapsed{};
  std::string remote_address;
};

/// Cookies of one run. Not shared between runs.
class cookie_jar;
std::shared_ptr<cookie_jar> make_cookie_jar();

struct http_client_options {
  std::string name;  ///< for logs and metrics: "shops", "sink", "remote", "models"
  std::string user_agent;
  bool guard_addresses = true;  ///< refuse private, loopback, link-local, CGNAT, multicast … at connect
  /// With the guard on, these exact `host:port` (as dialled, numeric) are permitted anyway (the demo shop).
  std::vector<std::string> permitted_endpoints;
  std::string http_proxy, https_proxy,
      no_proxy;               ///< explicit; libcurl's own reading of the environment is off
  bool insecure_tls = false;  ///< INSECURE_SSL; shops only
  std::string unix_socket;    ///< every request goes through this socket; empty: over the network
  int max_connections = 64;
  int max_connections_per_host = 8;
};

/// Asynchronous HTTP over libcurl's multi interface, driven by the executor's io_context. One per purpose
/// (shops, sink, remote encoder), so that none starves another. Loop-only: construct and call on the loop's
/// thread.
///
/// Every HTTP status is a response, not an error; errors are `network`, `timeout`, `too_large`,
/// `refused_address`, `too_many_redirects`, `cancelled`. Cancelling the awaiting coroutine aborts the
/// transfer at once.
class http_client {
 public:
  http_client(boost::asio::any_io_executor loop, http_client_options options);
  ~http_client();
  http_client(const http_client&) = delete;
  http_client& operator=(const http_client&) = delete;

  boost::asio::awaitable<result<http_response>> fetch(http_request request);

  const http_client_options& options() const noexcept;

 private:
  class impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace catwalk
