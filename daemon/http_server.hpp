#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/error.hpp"

namespace catwalk::daemon {

/// Who sent a request.
struct http_peer {
  bool local_socket = false;  ///< over the unix socket: the file's permissions let it in
  std::string address = {};   ///< numeric; empty over the unix socket
};

/// The first line and the headers: what is known before the body is read.
using http_request_head = boost::beast::http::request_header<>;

struct http_server_request : boost::beast::http::request<boost::beast::http::string_body> {
  http_peer peer;
};

/// A body that is sent bit by bit.
class http_stream {
 public:
  virtual ~http_stream() = default;
  /// False once the client has gone, or has not taken the text in time: nothing more can be sent.
  virtual boost::asio::awaitable<bool> write(std::string text, std::chrono::milliseconds at_most) = 0;
};

struct http_reply {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers = {};
  /// A fault of the demo shop's: the connection breaks after this many bytes of the body.
  std::optional<std::size_t> cut_after = {};
  /// Sends the body, instead of `body`: called once the headers are out; the connection ends with it.
  std::function<boost::asio::awaitable<void>(http_stream&)> stream = {};
};

http_reply text_reply(int status, std::string text);
/// A JSON reply.
http_reply json_reply(int status, std::string body);

/// What is decided before a request's body is read, so that nobody makes the daemon hold what it will refuse.
struct http_admission {
  std::size_t max_body = 0;           ///< bytes; a larger body is answered with 413
  std::optional<http_reply> refusal;  ///< the answer, instead of the handler's
};

struct http_server_options {
  std::string listen = "127.0.0.1:0";  ///< address:port, numeric; port 0 picks one
  /// Also listens here, for the owner and the group alone (0660); empty: no unix socket. A socket that nobody
  /// answers on is replaced; one that cannot be had is a warning.
  std::filesystem::path unix_socket;
  std::chrono::milliseconds header_timeout{10'000};  ///< to send the complete headers of a request
  std::chrono::milliseconds body_timeout{60'000};    ///< to send its body
  std::chrono::milliseconds idle_timeout{60'000};    ///< between two requests of a kept-alive connection
  std::size_t max_header = 16UL * 1024;
  std::size_t max_body = 32UL * 1024 * 1024;  ///< where `admit` is not set
  /// Bytes of bodies that are held at the same time; who brings one more is answered with 429.
  std::size_t max_bodies = 128UL * 1024 * 1024;
  std::size_t max_connections = 64;
  std::size_t kept_for_requests = 8;  ///< places that connections without a complete request cannot take
  std::string server_name = "catwalk/" CATWALK_VERSION;
  std::function<http_admission(const http_request_head&, const http_peer&)> admit;
};

/// An HTTP/1.1 server on Beast: keep-alive, HEAD, 100-continue, limits on time, headers, bodies and
/// connections. At the connection limit the oldest one without a complete request goes, so that idle and
/// dribbling clients cannot shut a monitor out. Loop-only.
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
  /// Closes the listeners and every connection that has no complete request. Those that are being answered
  /// have `at_most` to end, each with its answer; then they break off.
  boost::asio::awaitable<void> stop(std::chrono::milliseconds at_most = {});

 private:
  class impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace catwalk::daemon
