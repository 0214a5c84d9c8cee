#include "daemon/http_server.hpp"

#include <spdlog/spdlog.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/write.hpp>
#include <list>

#include "core/task_group.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;

namespace {

constexpr auto awaitable_tuple = asio::as_tuple(asio::use_awaitable);

struct connection {
  explicit connection(tcp::socket socket) : stream(std::move(socket)) {}
  beast::tcp_stream stream;
  bool request_read = false;  ///< complete headers have arrived and the answer is on its way
};

http::response<http::string_body> to_response(http_reply& reply, const http_server_request& request,
                                              const std::string& server_name) {
  http::response<http::string_body> response;
  response.result(static_cast<unsigned>(reply.status));
  response.version(request.version());
  response.keep_alive(request.keep_alive() && !reply.cut_after);
  response.set(http::field::server, server_name);
  if (!reply.content_type.empty()) response.set(http::field::content_type, reply.content_type);
  for (const auto& [name, value] : reply.headers) response.insert(name, value);
  const auto length = reply.body.size();
  if (request.method() != http::verb::head) response.body() = std::move(reply.body);
  response.content_length(length);
  return response;
}

result<tcp::endpoint> parse_listen(const std::string& text) {
  const auto colon = text.rfind(':');
  error e{errc::invalid_config, "cannot listen", text, "not an address with a port",
          "write it as 127.0.0.1:9817"};
  if (colon == std::string::npos) return e;
  auto host = text.substr(0, colon);
  if (host.size() > 1 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  if (host == "localhost") host = "127.0.0.1";
  boost::system::error_code ec;
  const auto address = asio::ip::make_address(host, ec);
  const auto digits = text.substr(colon + 1);
  const bool numeric =
      !digits.empty() && digits.size() <= 5 && digits.find_first_not_of("0123456789") == std::string::npos;
  const int port = numeric ? std::stoi(digits) : -1;
  if (ec || port < 0 || port > 65535) return e;
  return tcp::endpoint(address, static_cast<std::uint16_t>(port));
}

}  // namespace

http_reply json_reply(int status, std::string body) {
  return {status, "application/json; charset=utf-8", std::move(body), {}, {}};
}

class http_server::impl {
 public:
  impl(asio::any_io_executor loop, http_server_options options, handler handle)
      : loop_(std::move(loop)),
        options_(std::move(options)),
        handle_(std::move(handle)),
        acceptor_(loop_),
        tasks_(loop_) {}

  result<void> start() {
    const auto endpoint = parse_listen(options_.listen);
    if (!endpoint) return endpoint.error();
    boost::system::error_code ec;
    acceptor_.open(endpoint->protocol(), ec);
    if (!ec) acceptor_.set_option(tcp::acceptor::reuse_address(true), ec);
    if (!ec) acceptor_.bind(*endpoint, ec);
    if (!ec) acceptor_.listen(asio::socket_base::max_listen_connections, ec);
    if (ec) {
      error e{errc::io, "cannot listen", options_.listen, ec.message(), ""};
      if (ec == asio::error::address_in_use)
        e.hint = "another program has this port: stop it, or set http.listen to another one";
      else if (ec == asio::error::access_denied)
        e.hint = "ports below 1024 need privileges: set http.listen to a higher one";
      return e;
    }
    tasks_.spawn("http accept", accept());
    return {};
  }

  tcp::endpoint local_endpoint() const { return acceptor_.local_endpoint(); }

  asio::awaitable<void> stop() {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    tasks_.cancel();
    for (auto& c : connections_) c.stream.close();
    co_await tasks_.join();
  }

 private:
  asio::awaitable<void> accept() {
    for (;;) {
      auto [ec, socket] = co_await acceptor_.async_accept(awaitable_tuple);
      if (ec == asio::error::operation_aborted || !acceptor_.is_open()) co_return;
      if (ec) {
        // Out of descriptors, most likely: wait for some to come back instead of spinning.
        spdlog::warn("cannot accept a connection on {}: {}", options_.listen, ec.message());
        asio::steady_timer pause(loop_, std::chrono::milliseconds(200));
        co_await pause.async_wait(awaitable_tuple);
        continue;
      }
      if (!make_room()) continue;  // every connection is being answered: this one is closed
      const auto which = connections_.emplace(connections_.end(), std::move(socket));
      tasks_.spawn("http connection", serve(which));
    }
  }

  /// At the limit, the oldest connection that has not sent a complete request goes; false where there is
  /// none.
  bool make_room() {
    if (connections_.size() < options_.max_connections) return true;
    for (auto& c : connections_) {
      if (c.request_read || !c.stream.socket().is_open()) continue;
      c.stream.close();
      return true;
    }
    return false;
  }

  asio::awaitable<void> serve(std::list<connection>::iterator which) {
    struct remove_at_end {
      std::list<connection>& list;
      std::list<connection>::iterator it;
      ~remove_at_end() { list.erase(it); }
    } const guard{connections_, which};
    beast::flat_buffer buffer;
    bool first = true;
    while (co_await answer_one(*which, buffer, first)) first = false;
    boost::system::error_code ignored;
    which->stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
  }

  /// Reads one request and answers it; false ends the connection.
  asio::awaitable<bool> answer_one(connection& c, beast::flat_buffer& buffer, bool first) {
    http::request_parser<http::string_body> parser;
    parser.header_limit(static_cast<std::uint32_t>(options_.max_header));
    parser.body_limit(options_.max_body);
    c.request_read = false;
    if (!first) {
      c.stream.expires_after(options_.idle_timeout);
      if (buffer.size() == 0) {
        const auto [idle_error, n] = co_await c.stream.async_read_some(buffer.prepare(4096), awaitable_tuple);
        if (idle_error) co_return false;
        buffer.commit(n);
      }
    }
    c.stream.expires_after(options_.header_timeout);
    auto [read_error, header_bytes] =
        co_await http::async_read_header(c.stream, buffer, parser, awaitable_tuple);
    if (!read_error) {
      c.request_read = true;
      c.stream.expires_after(options_.idle_timeout);
      auto [body_error, body_bytes] = co_await http::async_read(c.stream, buffer, parser, awaitable_tuple);
      read_error = body_error;
    }
    if (read_error == http::error::header_limit)
      co_return co_await refuse(c, 431, "request headers too large\n");
    if (read_error == http::error::body_limit) co_return co_await refuse(c, 413, "request body too large\n");
    if (read_error) co_return false;

    const auto request = parser.release();
    http_reply reply;
    try {
      reply = co_await handle_(request);
    } catch (const boost::system::system_error& e) {
      if (e.code() == asio::error::operation_aborted) throw;
      reply = internal_error(request, e.what());
    } catch (const std::exception& e) {
      reply = internal_error(request, e.what());
    }
    co_return co_await send(c, request, std::move(reply));
  }

  http_reply internal_error(const http_server_request& request, const char* what) const {
    spdlog::error("{} {} failed: {}",
                  std::string_view(request.method_string().data(), request.method_string().size()),
                  std::string_view(request.target().data(), request.target().size()), what);
    return {500, "text/plain; charset=utf-8", "internal error; see the log\n", {}, {}};
  }

  asio::awaitable<bool> refuse(connection& c, int status, std::string text) {
    http_server_request request;
    request.version(11);
    request.keep_alive(false);
    http_reply reply;
    reply.status = status;
    reply.body = std::move(text);
    co_return co_await send(c, request, std::move(reply));
  }

  asio::awaitable<bool> send(connection& c, const http_server_request& request, http_reply reply) {
    const auto cut_after = reply.cut_after;
    auto response = to_response(reply, request, options_.server_name);
    const bool keep = response.keep_alive();
    c.stream.expires_after(options_.idle_timeout);
    if (cut_after) {
      http::response_serializer<http::string_body> serializer(response);
      auto [header_error, header_bytes] =
          co_await http::async_write_header(c.stream, serializer, awaitable_tuple);
      if (header_error) co_return false;
      const auto part = asio::buffer(response.body().data(), std::min(*cut_after, response.body().size()));
      co_await asio::async_write(c.stream, part, awaitable_tuple);
      co_return false;
    }
    auto [write_error, bytes] = co_await http::async_write(c.stream, response, awaitable_tuple);
    co_return !write_error && keep;
  }

  asio::any_io_executor loop_;
  http_server_options options_;
  handler handle_;
  tcp::acceptor acceptor_;
  std::list<connection> connections_;
  task_group tasks_;
};

http_server::http_server(asio::any_io_executor loop, http_server_options options, handler handle)
    : impl_(std::make_unique<impl>(std::move(loop), std::move(options), std::move(handle))) {}
http_server::~http_server() = default;
result<void> http_server::start() {
  return impl_->start();
}
tcp::endpoint http_server::local_endpoint() const {
  return impl_->local_endpoint();
}
asio::awaitable<void> http_server::stop() {
  co_await impl_->stop();
}

}  // namespace catwalk::daemon
