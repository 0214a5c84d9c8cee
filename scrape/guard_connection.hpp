#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "core/address_guard.hpp"
#include "core/error.hpp"
#include "core/url.hpp"
#include "scrape/guard_pass.hpp"

namespace catwalk::scrape {

struct guard_proxy_limits {
  std::size_t max_header = 16UL * 1024;              ///< bytes of a request's first line and headers
  std::size_t max_body = 1024UL * 1024;              ///< bytes of what a page posts by plain http
  std::size_t max_connections = 256;                 ///< a tunnel takes two descriptors
  std::chrono::milliseconds header_timeout{10'000};  ///< for a whole request, its body included
  std::chrono::milliseconds dial_timeout{10'000};    ///< for a name, and again for each of its addresses
  std::chrono::milliseconds idle_timeout{60'000};    ///< of a tunnel
};

/// One connection to the guard proxy, with one request: a CONNECT, after which bytes go both ways, or a plain
/// http address, which is asked for and whose answer is passed back. Loop-only.
class guard_connection {
 public:
  /// What is referred to outlives the connection.
  guard_connection(boost::asio::ip::tcp::socket client, const address_guard& guard,
                   const guard_passes& passes, const guard_proxy_limits& limits);

  /// Reads the request, answers it and closes the connection.
  boost::asio::awaitable<void> serve();
  /// Ends it from outside.
  void close();
  bool is_open() const { return client_.socket().is_open(); }
  /// Whether it has shown a pass.
  bool admitted() const noexcept { return admitted_; }

 private:
  using parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  using socket = boost::asio::ip::tcp::socket;

  boost::asio::awaitable<bool> read_head(parser& request);
  boost::asio::awaitable<void> connect(parser& request);
  boost::asio::awaitable<void> ask(parser& request);
  boost::asio::awaitable<result<void>> dial(const url& to);
  boost::asio::awaitable<void> fail(const url& to, error why);
  boost::asio::awaitable<void> answer(boost::beast::http::status status, std::string why);

  boost::beast::tcp_stream client_;
  socket server_;
  boost::beast::flat_buffer buffer_;  ///< what has been read beyond the request
  const address_guard& guard_;
  const guard_passes& passes_;
  const guard_proxy_limits& limits_;
  std::weak_ptr<const guard_pass> pass_;
  bool admitted_ = false;
};

}  // namespace catwalk::scrape
