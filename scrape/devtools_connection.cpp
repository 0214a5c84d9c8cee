#include "scrape/devtools_connection.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <deque>
#include <map>
#include <optional>
#include <utility>

#include "core/json_text.hpp"
#include "core/offload.hpp"
#include "core/url.hpp"

namespace catwalk::scrape {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using nlohmann::json;
using std::chrono::milliseconds;
using tcp = asio::ip::tcp;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr auto connect_timeout = std::chrono::seconds(10);
constexpr std::size_t parsed_on_the_loop = 64UL * 1024;

std::string authority(const devtools_address& at) {
  const bool v6 = at.host.find(':') != std::string::npos;
  return (v6 ? "[" + at.host + "]" : at.host) + ":" + std::to_string(at.port);
}

error no_browser(const devtools_address& at, std::string why) {
  return error{errc::network, "cannot reach the browser", authority(at), std::move(why),
               "see fetch.browser in catwalk.yaml"};
}

json parsed(const std::string& text) {
  return json::parse(text, nullptr, false);
}

}  // namespace

result<devtools_address> parse_devtools_address(const std::string& text) {
  const bool socket = text.starts_with("ws://");
  auto address = parse_url(socket ? "http://" + text.substr(5) : text);
  if (address.has_error() || address->scheme != "http") {
    return error{errc::invalid_config, "cannot read fetch.browser", redacted(text), "",
                 "expected http://host:port or ws://host:port/path"};
  }
  return devtools_address{std::string(without_brackets(address->host)), address->port,
                          socket && address->path != "/" ? address->path : ""};
}

/// Kept alive by the operations that it has started.
class devtools_connection::impl : public std::enable_shared_from_this<impl> {
 public:
  impl(asio::any_io_executor loop, asio::any_io_executor cpu, std::size_t max_message)
      : loop_(std::move(loop)), cpu_(std::move(cpu)), socket_(loop_) {
    socket_.read_message_max(max_message);
  }

  asio::awaitable<result<void>> open(devtools_address at) {
    if (at.path.empty()) {
      auto asked = co_await path_of_browser(at);
      if (asked.has_error()) co_return asked.error();
      at.path = std::move(*asked);
    }
    auto& stream = beast::get_lowest_layer(socket_);
    auto connected = co_await connect(stream, at);
    if (connected.has_error()) co_return connected.error();
    stream.expires_never();  // the WebSocket has timeouts of its own
    websocket::stream_base::timeout limits{connect_timeout, websocket::stream_base::none(), false};
    socket_.set_option(limits);
    const std::string host = authority(at);
    const auto [failed] = co_await socket_.async_handshake(host, at.path, as_result);
    if (failed) co_return no_browser(at, failed.message());
    open_ = true;
    co_return result<void>();
  }

  asio::awaitable<void> run() {
    beast::flat_buffer buffer;
    while (open_) {
      const auto [failed, size] = co_await socket_.async_read(buffer, as_result);
      if (failed) break;
      std::string text(static_cast<const char*>(buffer.cdata().data()), size);
      buffer.consume(buffer.size());
      json message;
      if (text.size() > parsed_on_the_loop) {
        if (buffer.capacity() > parsed_on_the_loop) buffer.shrink_to_fit();
        auto work = [moved = std::move(text)] { return parsed(moved); };
        auto parsing = offload(cpu_, std::move(work));
        message = co_await std::move(parsing);
      } else {
        message = parsed(text);
      }
      if (message.is_object()) take(message);
    }
    close();
  }

  bool is_open() const noexcept { return open_; }

  bool is_local() const {
    boost::system::error_code gone;
    const auto peer = beast::get_lowest_layer(socket_).socket().remote_endpoint(gone);
    return !gone && peer.address().is_loopback();
  }

  void close() {
    if (!std::exchange(open_, false)) return;
    for (auto& [id, call] : calls_) call->done.cancel();
    beast::get_lowest_layer(socket_).close();
  }

  asio::awaitable<result<json>> call(std::string session, std::string method, json params,
                                     milliseconds at_most) {
    if (!open_) co_return ended(method);
    waiting_call mine(*this, ++last_id_, at_most);
    post(mine.id, session, method, std::move(params));
    const auto [stopped] = co_await mine.done.async_wait(as_result);
    if (mine.failure)
      co_return error{errc::network, "the browser refused a call", method, std::move(*mine.failure), ""};
    if (mine.answer) {
      result<json> answer(boost::system::in_place_value, std::move(*mine.answer));
      co_return answer;
    }
    if (!open_) co_return ended(method);
    if (stopped) co_return error{errc::cancelled, "stopped waiting for the browser", method, "", ""};
    co_return error{errc::timeout, "the browser did not answer", method,
                    "within " + std::to_string(at_most.count()) + " ms", ""};
  }

  void send(const std::string& session, const std::string& method, json params) {
    if (open_) post(++last_id_, session, method, std::move(params));
  }

  void listen(const std::string& session, listener to) { listeners_[session] = std::move(to); }
  void ignore(const std::string& session) { listeners_.erase(session); }

 private:
  /// A call that waits for its answer; its timer is cancelled when it is there.
  struct waiting_call {
    waiting_call(impl& owner, std::int64_t number, milliseconds at_most)
        : of(owner), id(number), done(owner.loop_, at_most) {
      of.calls_.emplace(id, this);
    }
    ~waiting_call() { of.calls_.erase(id); }
    waiting_call(const waiting_call&) = delete;
    waiting_call& operator=(const waiting_call&) = delete;

    impl& of;
    std::int64_t id;
    asio::steady_timer done;
    std::optional<json> answer;
    std::optional<std::string> failure;
  };

  static error ended(const std::string& method) {
    return error{errc::network, "the browser has ended", method, "its connection is closed", ""};
  }

  asio::awaitable<result<void>> connect(beast::tcp_stream& stream, const devtools_address& at) {
    stream.expires_after(connect_timeout);
    boost::system::error_code failed;
    const auto numeric = asio::ip::make_address(at.host, failed);
    if (!failed) {
      const tcp::endpoint endpoint(numeric, at.port);
      const auto [refused] = co_await stream.async_connect(endpoint, as_result);
      if (refused) co_return no_browser(at, refused.message());
      co_return result<void>();
    }
    tcp::resolver resolver(loop_);
    const std::string port = std::to_string(at.port);
    const auto [unknown, found] = co_await resolver.async_resolve(at.host, port, as_result);
    if (unknown) co_return no_browser(at, unknown.message());
    const auto [refused, endpoint] = co_await stream.async_connect(found, as_result);
    if (refused) co_return no_browser(at, refused.message());
    co_return result<void>();
  }

  /// Asks a browser for the path of its WebSocket. The host that it names is its own view of itself.
  asio::awaitable<result<std::string>> path_of_browser(const devtools_address& at) {
    beast::tcp_stream stream(loop_);
    auto connected = co_await connect(stream, at);
    if (connected.has_error()) co_return connected.error();
    http::request<http::empty_body> question(http::verb::get, "/json/version", 11);
    question.set(http::field::host, authority(at));
    const auto [unsent, written] = co_await http::async_write(stream, question, as_result);
    if (unsent) co_return no_browser(at, unsent.message());
    beast::flat_buffer buffer;
    http::response_parser<http::string_body> answer;
    answer.body_limit(parsed_on_the_loop);
    const auto [unread, size] = co_await http::async_read(stream, buffer, answer, as_result);
    if (unread) co_return no_browser(at, unread.message());
    const json version = json::parse(answer.get().body(), nullptr, false);
    const auto path = version.is_object() ? version.value("webSocketDebuggerUrl", "") : std::string();
    const auto host = path.find("://");
    const auto slash = host == std::string::npos ? host : path.find('/', host + 3);
    if (slash == std::string::npos) co_return no_browser(at, "it is no browser with DevTools");
    co_return path.substr(slash);
  }

  void take(json& message) {
    if (const auto id = message.find("id"); id != message.end() && id->is_number_integer()) {
      const auto waiting = calls_.find(id->get<std::int64_t>());
      if (waiting == calls_.end()) return;
      waiting_call& call = *waiting->second;
      if (const auto failed = message.find("error"); failed != message.end()) {
        call.failure = failed->is_object() ? failed->value("message", "") : std::string();
      } else {
        call.answer = message.contains("result") ? std::move(message["result"]) : json::object();
      }
      call.done.cancel();
      return;
    }
    const auto method = message.find("method");
    if (method == message.end() || !method->is_string()) return;
    const auto found = listeners_.find(message.value("sessionId", ""));
    if (found == listeners_.end()) return;
    static const json nothing = json::object();
    const auto params = message.find("params");
    const listener to = found->second;  // it may stop listening meanwhile
    to(method->get_ref<const std::string&>(), params == message.end() ? nothing : *params);
  }

  void post(std::int64_t id, const std::string& session, const std::string& method, json params) {
    json message = {{"id", id}, {"method", method}, {"params", std::move(params)}};
    if (!session.empty()) message["sessionId"] = session;
    unsent_.push_back(json_text(message));
    pump();
  }

  void pump() {
    if (writing_ || unsent_.empty() || !open_) return;
    writing_ = true;
    socket_.async_write(asio::buffer(unsent_.front()),
                        [self = shared_from_this()](boost::system::error_code failed, std::size_t) {
                          self->writing_ = false;
                          self->unsent_.pop_front();
                          if (failed) {
                            self->close();
                          } else {
                            self->pump();
                          }
                        });
  }

  asio::any_io_executor loop_, cpu_;
  websocket::stream<beast::tcp_stream> socket_;
  bool open_ = false;
  bool writing_ = false;
  std::deque<std::string> unsent_;
  std::int64_t last_id_ = 0;
  std::map<std::int64_t, waiting_call*> calls_;
  std::map<std::string, listener> listeners_;
};

devtools_connection::devtools_connection(asio::any_io_executor loop, asio::any_io_executor cpu,
                                         std::size_t max_message)
    : impl_(std::make_shared<impl>(std::move(loop), std::move(cpu), max_message)) {}
devtools_connection::~devtools_connection() {
  impl_->close();
}

asio::awaitable<result<void>> devtools_connection::open(devtools_address at) {
  return impl_->open(std::move(at));
}
asio::awaitable<void> devtools_connection::run() {
  return impl_->run();
}
bool devtools_connection::is_local() const {
  return impl_->is_local();
}
bool devtools_connection::is_open() const noexcept {
  return impl_->is_open();
}
void devtools_connection::close() {
  impl_->close();
}
asio::awaitable<result<json>> devtools_connection::call(std::string session, std::string method, json params,
                                                        milliseconds at_most) {
  return impl_->call(std::move(session), std::move(method), std::move(params), at_most);
}
void devtools_connection::send(const std::string& session, const std::string& method, json params) {
  impl_->send(session, method, std::move(params));
}
void devtools_connection::listen(const std::string& session, listener to) {
  impl_->listen(session, std::move(to));
}
void devtools_connection::ignore(const std::string& session) {
  impl_->ignore(session);
}

}  // namespace catwalk::scrape
