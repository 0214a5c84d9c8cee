#include "scrape/guard_connection.hpp"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "scrape/byte_tunnel.hpp"
#include "scrape/guarded_dial.hpp"

namespace catwalk::scrape {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr auto farewell = std::chrono::seconds(1);

/// The target of a CONNECT, `host:port`, the port always written.
std::optional<url> authority_of(std::string_view target) {
  auto read = parse_url("https://" + std::string(target));
  if (read.has_error() || !read->userinfo.empty() || target.find_first_of("/\\?#") != target.npos ||
      !target.ends_with(":" + std::to_string(read->port)))
    return std::nullopt;
  return std::move(*read);
}

/// What stands after the host in an absolute address, as it was written.
std::string origin_form(const std::string& absolute) {
  const auto path = absolute.find_first_of("/?", absolute.find("://") + 3);
  const std::string rest = path == std::string::npos ? "" : absolute.substr(path);
  return rest.starts_with('/') ? rest : "/" + rest;
}

/// Whether a request was read that is none, rather than a connection that ended.
bool is_malformed(boost::system::error_code failed) {
  const auto ended = http::make_error_code(http::error::end_of_stream);
  return failed && failed.category() == ended.category() && failed != ended &&
         failed != http::error::partial_message;
}

}  // namespace

guard_connection::guard_connection(socket client, const address_guard& guard, const guard_passes& passes,
                                   const guard_proxy_limits& limits)
    : client_(std::move(client)),
      server_(client_.get_executor()),
      guard_(guard),
      passes_(passes),
      limits_(limits) {}

void guard_connection::close() {
  client_.close();
  boost::system::error_code ignored;
  server_.close(ignored);
}

asio::awaitable<void> guard_connection::serve() {
  parser request;
  request.header_limit(static_cast<std::uint32_t>(limits_.max_header));
  request.body_limit(limits_.max_body);
  client_.expires_after(limits_.header_timeout);
  if (co_await read_head(request)) {
    if (request.get().method() == http::verb::connect) {
      co_await connect(request);
    } else {
      co_await ask(request);
    }
  }
  close();
}

/// False where the request has been answered already.
asio::awaitable<bool> guard_connection::read_head(parser& request) {
  const auto [failed, size] = co_await http::async_read_header(client_, buffer_, request, as_result);
  if (failed == http::error::header_limit) {
    co_await answer(http::status::request_header_fields_too_large, "the request's headers are too large");
    co_return false;
  }
  if (failed == http::error::body_limit) {
    co_await answer(http::status::payload_too_large, "the request's body is too large");
    co_return false;
  }
  if (is_malformed(failed))
    co_await answer(http::status::bad_request, "not an HTTP request: " + failed.message());
  if (failed) co_return false;
  const auto pass = passes_.shown_by(request.get()[http::field::proxy_authorization]);
  if (!pass) {
    co_await answer(http::status::proxy_authentication_required, "this proxy is catwalk's own");
    co_return false;
  }
  pass_ = pass;
  admitted_ = true;
  co_return true;
}

asio::awaitable<void> guard_connection::connect(parser& request) {
  const auto to = authority_of(request.get().target());
  if (!to) co_return co_await answer(http::status::bad_request, "expected CONNECT host:port");
  client_.expires_never();
  auto dialled = co_await dial(*to);
  if (dialled.has_error()) co_return co_await fail(*to, dialled.error());
  http::response<http::empty_body> established(http::status::ok, 11);
  established.reason("Connection established");
  client_.expires_after(limits_.header_timeout);
  const auto [unsent, size] = co_await http::async_write(client_, established, as_result);
  if (unsent) co_return;
  const auto [lost, more] = co_await asio::async_write(server_, buffer_.data(), as_result);
  if (lost) co_return;
  client_.expires_never();
  byte_tunnel tunnel(client_.socket(), server_, limits_.idle_timeout);
  co_await tunnel.run();
}

asio::awaitable<void> guard_connection::ask(parser& request) {
  const auto to = parse_url(std::string_view(request.get().target()));
  if (to.has_error() || to->scheme != "http")
    co_return co_await answer(http::status::bad_request, "expected an absolute http address");
  const auto [failed, size] = co_await http::async_read(client_, buffer_, request, as_result);
  if (failed == http::error::body_limit)
    co_return co_await answer(http::status::payload_too_large, "the request's body is too large");
  if (failed) co_return;
  client_.expires_never();
  auto dialled = co_await dial(*to);
  if (dialled.has_error()) co_return co_await fail(*to, dialled.error());

  auto onward = request.release();
  onward.target(origin_form(std::string(onward.target())));
  onward.version(11);
  onward.erase("Proxy-Connection");
  onward.erase(http::field::proxy_authorization);
  onward.erase(http::field::upgrade);
  onward.set(http::field::host, to->port == 80 ? to->host : host_and_port(*to));
  // One request a connection: what a client sends after it must not go, secret and all, to this server.
  onward.set(http::field::connection, "close");
  beast::tcp_stream server(std::move(server_));
  server.expires_after(limits_.idle_timeout);
  const auto [unsent, sent] = co_await http::async_write(server, onward, as_result);
  server_ = server.release_socket();
  if (unsent) {
    error why{errc::network, "cannot reach", to->host, "it hung up: " + unsent.message(), ""};
    co_return co_await fail(*to, std::move(why));
  }
  byte_tunnel tunnel(client_.socket(), server_, limits_.idle_timeout);
  co_await tunnel.run_back();
  if (tunnel.brought_back()) co_return;
  error why{errc::network, "cannot reach", to->host, "it hung up without an answer", ""};
  co_await fail(*to, std::move(why));
}

asio::awaitable<result<void>> guard_connection::dial(const url& to) {
  std::string host(without_brackets(to.host));
  const auto loop = client_.get_executor();
  auto dialling = guarded_dial(loop, guard_, std::move(host), to.port, limits_.dial_timeout);
  auto dialled = co_await std::move(dialling);
  if (dialled.has_error()) co_return dialled.error();
  server_ = std::move(*dialled);
  co_return result<void>();
}

asio::awaitable<void> guard_connection::fail(const url& to, error why) {
  if (const auto pass = pass_.lock()) pass->on_failure(host_and_port(to), why);
  const bool refused = why.code == errc::refused_address;
  const auto status = refused ? http::status::forbidden : http::status::bad_gateway;
  co_await answer(status, why.to_string());
}

asio::awaitable<void> guard_connection::answer(http::status status, std::string why) {
  http::response<http::string_body> told(status, 11);
  told.set(http::field::content_type, "text/plain; charset=utf-8");
  told.set("Proxy-Status", "catwalk");
  if (status == http::status::proxy_authentication_required)
    told.set(http::field::proxy_authenticate, "Basic realm=\"catwalk\"");
  told.keep_alive(false);
  told.body() = std::move(why) + "\n";
  told.prepare_payload();
  client_.expires_after(limits_.header_timeout);
  const auto [unsent, size] = co_await http::async_write(client_, told, as_result);
  if (unsent) co_return;
  // What the client still sends is dropped for a moment: closing at once would reset the connection and take
  // the answer with it.
  boost::system::error_code ended;
  client_.socket().shutdown(socket::shutdown_send, ended);
  client_.expires_after(farewell);
  std::array<char, 4096> rest;
  while (!ended) {
    const auto [over, dropped] = co_await client_.async_read_some(asio::buffer(rest), as_result);
    ended = over;
  }
}

}  // namespace catwalk::scrape
