#include "tests/support/loopback_server.hpp"

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/zlib/deflate_stream.hpp>
#include <boost/crc.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace catwalk::testing {

namespace asio = boost::asio;
namespace beast = boost::beast;
using tcp = asio::ip::tcp;

struct loopback_server::state {
  explicit state(handler h) : answer(std::move(h)), acceptor(io, {asio::ip::address_v4::loopback(), 0}) {}

  // The coroutines die with the io_context, which the server owns: nothing outlives it.
  asio::awaitable<void> accept() {
    for (;;) {
      tcp::socket socket = co_await acceptor.async_accept(asio::use_awaitable);
      int number = 0;
      {
        std::lock_guard lock(mutex);
        number = static_cast<int>(++accepted);
        ++open;
      }
      asio::co_spawn(io, serve(std::move(socket), number), [this](const std::exception_ptr&) {
        std::lock_guard lock(mutex);
        --open;
        closed.notify_all();
      });
    }
  }

  asio::awaitable<void> serve(tcp::socket socket, int number) {
    socket.set_option(tcp::no_delay(true));
    beast::flat_buffer buffer;
    for (;;) {
      beast::http::request<beast::http::string_body> message;
      co_await beast::http::async_read(socket, buffer, message, asio::use_awaitable);
      request seen;
      seen.method = std::string(message.method_string());
      seen.target = std::string(message.target());
      seen.body = message.body();
      seen.connection = number;
      for (const auto& field : message) {
        std::string name(field.name_string());
        std::transform(name.begin(), name.end(), name.begin(),
                       [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        seen.headers.emplace_back(std::move(name), std::string(field.value()));
      }
      {
        std::lock_guard lock(mutex);
        requests.push_back(seen);
      }
      const reply out = answer(seen);
      if (out.delay.count() > 0) co_await pause(out.delay);
      if (!out.raw.empty()) {
        co_await asio::async_write(socket, asio::buffer(out.raw), asio::use_awaitable);
        break;
      }
      co_await write(socket, out, seen.method == "HEAD");
      if (out.close) break;
    }
    boost::system::error_code ignored;
    socket.shutdown(tcp::socket::shutdown_both, ignored);
  }

  asio::awaitable<void> write(tcp::socket& socket, const reply& out, bool head_only) {
    std::string head = "HTTP/1.1 " + std::to_string(out.status) + " Status\r\n";
    for (const auto& [name, value] : out.headers) head += name + ": " + value + "\r\n";
    head += out.chunked
                ? "Transfer-Encoding: chunked\r\n"
                : "Content-Length: " + std::to_string(out.announced.value_or(out.body.size())) + "\r\n";
    head += "\r\n";
    co_await asio::async_write(socket, asio::buffer(head), asio::use_awaitable);
    if (head_only || out.status == 204 || out.status == 304) co_return;
    const std::size_t piece =
        out.drip_bytes == 0 ? std::max<std::size_t>(out.body.size(), 1) : out.drip_bytes;
    for (std::size_t at = 0; at < out.body.size(); at += piece) {
      std::string bytes = out.body.substr(at, piece);
      if (out.chunked) {
        char size[32];
        std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
        bytes = size + bytes + "\r\n";
      }
      co_await asio::async_write(socket, asio::buffer(bytes), asio::use_awaitable);
      if (out.drip_every.count() > 0) co_await pause(out.drip_every);
    }
    const std::string last = "0\r\n\r\n";
    if (out.chunked && !out.close)
      co_await asio::async_write(socket, asio::buffer(last), asio::use_awaitable);
  }

  asio::awaitable<void> pause(std::chrono::milliseconds time) {
    asio::steady_timer timer(io, time);
    co_await timer.async_wait(asio::use_awaitable);
  }

  handler answer;
  asio::io_context io{1};
  tcp::acceptor acceptor;
  mutable std::mutex mutex;
  std::condition_variable closed;
  std::vector<request> requests;
  std::size_t accepted = 0, open = 0;
  std::thread thread;
};

loopback_server::loopback_server(handler answer) : state_(std::make_unique<state>(std::move(answer))) {
  asio::co_spawn(state_->io, state_->accept(), [](const std::exception_ptr&) {});
  state_->thread = std::thread([this] { state_->io.run(); });
}

loopback_server::~loopback_server() {
  state_->io.stop();
  state_->thread.join();
}

std::uint16_t loopback_server::port() const noexcept {
  return state_->acceptor.local_endpoint().port();
}
std::string loopback_server::endpoint() const {
  return "127.0.0.1:" + std::to_string(port());
}
std::string loopback_server::at(std::string_view path, std::string_view host) const {
  return "http://" + std::string(host) + ":" + std::to_string(port()) + std::string(path);
}

std::vector<loopback_server::request> loopback_server::requests() const {
  std::lock_guard lock(state_->mutex);
  return state_->requests;
}

std::size_t loopback_server::connections() const {
  std::lock_guard lock(state_->mutex);
  return state_->accepted;
}

bool loopback_server::wait_for_open_connections(std::size_t at_most, std::chrono::milliseconds time) const {
  std::unique_lock lock(state_->mutex);
  return state_->closed.wait_for(lock, time, [&] { return state_->open <= at_most; });
}

std::optional<std::string> loopback_server::request::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (key == name) return value;
  return std::nullopt;
}

std::string gzip(std::string_view text) {
  std::string out("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
  beast::zlib::deflate_stream deflate;
  std::string packed(deflate.upper_bound(text.size()) + 64, '\0');
  beast::zlib::z_params p;
  p.next_in = text.data();
  p.avail_in = text.size();
  p.next_out = packed.data();
  p.avail_out = packed.size();
  beast::error_code done;
  deflate.write(p, beast::zlib::Flush::finish, done);
  out += packed.substr(0, p.total_out);
  boost::crc_32_type crc;
  crc.process_bytes(text.data(), text.size());
  for (const std::uint32_t number :
       {static_cast<std::uint32_t>(crc.checksum()), static_cast<std::uint32_t>(text.size())})
    for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(number >> shift & 0xff);
  return out;
}

}  // namespace catwalk::testing
