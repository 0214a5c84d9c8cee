#include "daemon/http_server.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/write.hpp>
#include <list>

#include "core/task_group.hpp"
#include "daemon/http_error.hpp"
#include "daemon/http_listener.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;

namespace {

constexpr auto awaitable_tuple = asio::as_tuple(asio::use_awaitable);

using stream_protocol = asio::generic::stream_protocol;

struct connection {
  connection(stream_protocol::socket socket, http_peer from)
      : stream(std::move(socket)), peer(std::move(from)) {}
  beast::basic_stream<stream_protocol> stream;
  http_peer peer;
  /// How far the request at hand has come. One that is not complete may be given up for another.
  enum class phase { head, body, complete } request = phase::head;
};

/// Counts bytes for as long as it lives.
class held_bytes {
 public:
  held_bytes(std::size_t& total, std::size_t bytes) : total_(total), bytes_(bytes) { total_ += bytes_; }
  ~held_bytes() { total_ -= bytes_; }
  held_bytes(const held_bytes&) = delete;
  held_bytes& operator=(const held_bytes&) = delete;

 private:
  std::size_t& total_;
  std::size_t bytes_;
};

/// Writes into a connection after its headers.
class connection_stream final : public http_stream {
 public:
  explicit connection_stream(beast::basic_stream<stream_protocol>& to) : to_(to) {}
  asio::awaitable<bool> write(std::string text, std::chrono::milliseconds at_most) override {
    to_.expires_after(at_most);
    const auto [ec, n] = co_await asio::async_write(to_, asio::buffer(text), awaitable_tuple);
    to_.expires_never();
    co_return !ec;
  }

 private:
  beast::basic_stream<stream_protocol>& to_;
};

http_reply too_many_bodies() {
  auto reply = problem_reply(429, "queue_full", "too many large requests at once: try again in a moment");
  reply.headers.emplace_back("Retry-After", "1");
  return reply;
}

http::response<http::string_body> to_response(http_reply& reply, const http_request_head& head, bool keep,
                                              const std::string& server_name) {
  http::response<http::string_body> response;
  response.result(static_cast<unsigned>(reply.status));
  response.version(head.version());
  response.keep_alive(keep && !reply.cut_after && !reply.stream);
  response.set(http::field::server, server_name);
  if (!reply.content_type.empty()) response.set(http::field::content_type, reply.content_type);
  for (const auto& [name, value] : reply.headers) response.insert(name, value);
  if (reply.stream) return response;  // its end is the connection's
  const auto length = reply.body.size();
  if (head.method() != http::verb::head) response.body() = std::move(reply.body);
  response.content_length(length);
  return response;
}

}  // namespace

http_reply text_reply(int status, std::string text) {
  return {status, "text/plain; charset=utf-8", std::move(text)};
}

http_reply json_reply(int status, std::string body) {
  return {status, "application/json; charset=utf-8", std::move(body)};
}

class http_server::impl {
 public:
  impl(asio::any_io_executor loop, http_server_options options, handler handle)
      : loop_(std::move(loop)),
        options_(std::move(options)),
        handle_(std::move(handle)),
        answered_(loop_),
        tasks_(loop_) {}

  result<void> start() {
    auto listening = listen_on(loop_, options_.listen);
    if (!listening) return listening.error();
    if (!options_.unix_socket.empty()) {
      if (auto local = listen_on(loop_, options_.unix_socket)) {
        local_.emplace(std::move(*local));
        tasks_.spawn("http accept local", accept_local());
      } else {
        spdlog::warn("{}: who asks needs {} and the token", local.error().to_string(), options_.listen);
      }
    }
    acceptor_.emplace(std::move(*listening));
    tasks_.spawn("http accept", accept());
    return {};
  }

  tcp::endpoint local_endpoint() const { return acceptor_->local_endpoint(); }

  asio::awaitable<void> stop(std::chrono::milliseconds at_most) {
    stopping_ = true;
    boost::system::error_code ignored;
    if (acceptor_) acceptor_->close(ignored);
    if (local_) {
      local_->close(ignored);
      std::error_code gone;
      std::filesystem::remove(options_.unix_socket, gone);
    }
    for (auto& c : connections_)
      if (c.request != phase::complete) c.stream.close();
    if (at_most.count() > 0 && !connections_.empty()) {
      answered_.expires_after(at_most);
      co_await answered_.async_wait(awaitable_tuple);
    }
    tasks_.cancel();
    for (auto& c : connections_) c.stream.close();
    co_await tasks_.join();
  }

 private:
  using connection_list = std::list<connection>;
  using phase = connection::phase;

  asio::awaitable<void> accept() {
    for (;;) {
      auto [ec, socket] = co_await acceptor_->async_accept(awaitable_tuple);
      if (ec == asio::error::operation_aborted || !acceptor_->is_open()) co_return;
      if (ec) {
        co_await pause_after(ec, options_.listen);
        continue;
      }
      const auto from = socket.remote_endpoint(ec);
      if (!ec) take(stream_protocol::socket(std::move(socket)), {false, from.address().to_string()});
    }
  }

  asio::awaitable<void> accept_local() {
    for (;;) {
      auto [ec, socket] = co_await local_->async_accept(awaitable_tuple);
      if (ec == asio::error::operation_aborted || !local_->is_open()) co_return;
      if (!ec)
        take(stream_protocol::socket(std::move(socket)), {true, {}});
      else
        co_await pause_after(ec, options_.unix_socket.string());
    }
  }

  /// Out of descriptors, most likely: waits for some to come back instead of spinning.
  asio::awaitable<void> pause_after(boost::system::error_code ec, std::string on) {
    spdlog::warn("cannot accept a connection on {}: {}", on, ec.message());
    asio::steady_timer pause(loop_, std::chrono::milliseconds(200));
    co_await pause.async_wait(awaitable_tuple);
  }

  void take(stream_protocol::socket socket, http_peer from) {
    if (!make_room()) return;  // every connection is being answered: this one is closed
    const auto which = connections_.emplace(connections_.end(), std::move(socket), std::move(from));
    tasks_.spawn("http connection", serve(which));
  }

  /// False where no connection can be given up for a new one.
  bool make_room() {
    const auto open = [](const connection& c) { return c.stream.socket().is_open(); };
    std::size_t held = 0, unread = 0;
    for (const auto& c : connections_) {
      held += open(c) ? 1 : 0;
      unread += open(c) && c.request != phase::complete ? 1 : 0;
    }
    const auto most = options_.max_connections;
    const auto most_unread = most - std::min(most - 1, options_.kept_for_requests);
    if (held < most && unread < most_unread) return true;
    for (const auto given_up : {phase::head, phase::body}) {
      const auto oldest = std::find_if(connections_.begin(), connections_.end(),
                                       [&](const connection& c) { return open(c) && c.request == given_up; });
      if (oldest == connections_.end()) continue;
      oldest->stream.close();
      return true;
    }
    return false;
  }

  asio::awaitable<void> serve(connection_list::iterator which) {
    struct remove_at_end {
      impl& server;
      connection_list::iterator it;
      ~remove_at_end() {
        server.connections_.erase(it);
        if (server.connections_.empty()) server.answered_.cancel();
      }
    } const guard{*this, which};
    beast::flat_buffer buffer;
    bool first = true;
    while (co_await answer_one(*which, buffer, first)) first = false;
    boost::system::error_code ignored;
    which->stream.socket().shutdown(asio::socket_base::shutdown_send, ignored);
  }

  /// Reads one request and answers it; false ends the connection.
  asio::awaitable<bool> answer_one(connection& c, beast::flat_buffer& buffer, bool first) {
    http::request_parser<http::string_body> parser;
    parser.header_limit(static_cast<std::uint32_t>(options_.max_header));
    parser.body_limit(boost::none);  // until it is known who asks for what
    c.request = phase::head;
    if (stopping_) co_return false;
    if (!first) {
      c.stream.expires_after(options_.idle_timeout);
      if (buffer.size() == 0) {
        const auto [idle_error, n] = co_await c.stream.async_read_some(buffer.prepare(4096), awaitable_tuple);
        if (idle_error) co_return false;
        buffer.commit(n);
      }
    }
    c.stream.expires_after(options_.header_timeout);
    const auto [head_error, head_bytes] =
        co_await http::async_read_header(c.stream, buffer, parser, awaitable_tuple);
    if (head_error == http::error::header_limit)
      co_return co_await refuse(c, parser.get(),
                                problem_reply(431, "too_large", "request headers too large"));
    if (head_error) co_return false;

    auto admission = options_.admit ? options_.admit(parser.get(), c.peer)
                                    : http_admission{options_.max_body, std::nullopt};
    const auto length = parser.content_length();
    if (!admission.refusal && length && *length > admission.max_body)
      admission.refusal = problem_reply(413, "too_large", "request body too large");
    const bool no_body = !parser.chunked() && length.value_or(0) == 0;
    const std::size_t expected = no_body ? 0 : length.value_or(admission.max_body);
    if (!admission.refusal && held_ + expected > options_.max_bodies) admission.refusal = too_many_bodies();
    if (admission.refusal) {
      if (no_body) {
        c.request = phase::complete;
        co_return co_await send(c, parser.get(), parser.keep_alive(), std::move(*admission.refusal));
      }
      co_return co_await refuse(c, parser.get(), std::move(*admission.refusal));
    }
    const held_bytes body(held_, expected);
    parser.body_limit(admission.max_body);
    c.request = phase::body;
    if (beast::iequals(parser.get()[http::field::expect], "100-continue") && parser.get().version() >= 11 &&
        !parser.is_done()) {
      http::response<http::empty_body> go_on(http::status::continue_, 11);
      const auto [sent_error, sent] = co_await http::async_write(c.stream, go_on, awaitable_tuple);
      if (sent_error) co_return false;
    }
    c.stream.expires_after(options_.body_timeout);
    const auto [body_error, body_bytes] =
        co_await http::async_read(c.stream, buffer, parser, awaitable_tuple);
    if (body_error == http::error::body_limit)
      co_return co_await refuse(c, parser.get(), problem_reply(413, "too_large", "request body too large"));
    if (body_error) co_return false;
    c.request = phase::complete;
    c.stream.expires_never();

    http_server_request request{parser.release(), c.peer};
    http_reply reply;
    try {
      reply = co_await handle_(request);
    } catch (const boost::system::system_error& e) {
      if (e.code() == asio::error::operation_aborted) throw;
      reply = internal_error(request, e.what());
    } catch (const std::exception& e) {
      reply = internal_error(request, e.what());
    }
    co_return co_await send(c, request, request.keep_alive(), std::move(reply));
  }

  static http_reply internal_error(const http_server_request& request, const char* what) {
    spdlog::error("{} {} failed: {}",
                  std::string_view(request.method_string().data(), request.method_string().size()),
                  std::string_view(request.target().data(), request.target().size()), what);
    return problem_reply(500, "internal", "internal error; see the log");
  }

  /// Answers a request whose rest is not read. What the client still sends is dropped for a moment: closing
  /// at once would reset the connection and take the answer with it.
  asio::awaitable<bool> refuse(connection& c, const http_request_head& head, http_reply reply) {
    co_await send(c, head, false, std::move(reply));
    boost::system::error_code ignored;
    c.stream.socket().shutdown(asio::socket_base::shutdown_send, ignored);
    c.stream.expires_after(std::chrono::seconds(2));
    std::array<char, 16'384> rest;
    for (boost::system::error_code ec; !ec;) {
      const auto [failed, n] = co_await c.stream.async_read_some(asio::buffer(rest), awaitable_tuple);
      ec = failed;
    }
    co_return false;
  }

  asio::awaitable<bool> send(connection& c, const http_request_head& head, bool keep_alive,
                             http_reply reply) {
    const auto cut_after = reply.cut_after;
    auto response = to_response(reply, head, keep_alive && !stopping_, options_.server_name);
    const auto stream = std::move(reply.stream);
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
    if (stream) {
      http::response_serializer<http::string_body> serializer(response);
      auto [header_error, header_bytes] =
          co_await http::async_write_header(c.stream, serializer, awaitable_tuple);
      connection_stream out(c.stream);
      if (!header_error && head.method() != http::verb::head) co_await stream(out);
      co_return false;
    }
    auto [write_error, bytes] = co_await http::async_write(c.stream, response, awaitable_tuple);
    co_return !write_error && keep;
  }

  asio::any_io_executor loop_;
  http_server_options options_;
  handler handle_;
  std::optional<tcp::acceptor> acceptor_;
  std::optional<asio::local::stream_protocol::acceptor> local_;
  connection_list connections_;
  std::size_t held_ = 0;  ///< bytes of bodies
  bool stopping_ = false;
  asio::steady_timer answered_;  ///< cancelled when no connection is left
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
asio::awaitable<void> http_server::stop(std::chrono::milliseconds at_most) {
  co_await impl_->stop(at_most);
}

}  // namespace catwalk::daemon
