#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/error.hpp"

namespace catwalk::daemon {

using http_server_request = boost::beast::http::request<boost::beast::http::string_body>;

struct http_reply {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  /// A fault of the demo shop's: the connection breaks after this many bytes of the body.
  std::optional<std::size_t> cut_after;
};

/// A JSON reply.
http_reply json_reply(int status, std::string body);

struct http_server_options {
  std::string listen = "127.0.0.1:0";                ///< address:port, numeric; port 0 picks one
  std::chrono::milliseconds header_timeout{10'000};  ///< to send the complete headers of a request
  std::chrono::milliseconds idle_timeout{60'000};    ///< between two requests of a kept-alive connection
  std::size_t max_header = 16 * 1024;
  std::size_t max_body = 32 * 1024 * 1024;
  std::size_t max_connections = 64;
  std::string server_name = "catwalk/" CATWALK_VERSION;
};

/// An HTTP/1.1 server on Beast: keep-alive, HEAD, limits on time, headers, bodies and connections. At the
/// connection limit the oldest one without complete headers goes, so that idle and dribbling clients cannot
/// shut a monitor out. Loop-only.
class http_server {
 public:
  using handler = std::function<boost::asio::awaitable<http_reply>(const http_server_request&)>;

  http_server(boost::asio::any_io_executor loop, http_server_options options, handler handle);
  ~http_server();
  http_server(const http_server&) = delete;
  http_server& operator=(const http_server&) = delete;

  /// Binds and listens. `io` names the address and who could hold it; the port is known afterwards.
  result<void> start();
  boost::asio::ip::tcp::endpoint local_endpoint() const;
  /// Closes the listener and every connection, and waits for their coroutines.
  boost::asio::awaitable<void> stop();

 private:
  class impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace catwalk::daemon
