#include "daemon/http_server.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <future>
#include <thread>

#include "tests/support/catch.hpp"
#include "tests/support/result_printer.hpp"

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace catwalk::daemon;

namespace {

/// A server on a thread of its own; the test's clients block.
class running_server {
 public:
  explicit running_server(http_server_options options)
      : server_(loop_.get_executor(), std::move(options),
                [](const http_server_request& r) { return echo(r); }) {
    const auto started = server_.start();
    if (!started) throw std::runtime_error(started.error().to_string());
    endpoint_ = server_.local_endpoint();
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~running_server() {
    asio::co_spawn(loop_, server_.stop(), asio::use_future).get();
    thread_.join();
  }

  tcp::socket connect() {
    tcp::socket socket(clients_);
    socket.connect(endpoint_);
    return socket;
  }

  static std::string answer(tcp::socket& socket, const std::string& request) {
    asio::write(socket, asio::buffer(request));
    return rest(socket);
  }
  static std::string rest(tcp::socket& socket) {
    std::string text;
    boost::system::error_code ec;
    asio::read(socket, asio::dynamic_buffer(text), ec);
    return text;
  }

 private:
  static asio::awaitable<http_reply> echo(const http_server_request& request) {
    http_reply reply;
    reply.body = std::string(request.target()) + " " + request.body();
    if (request.target() == "/cut") {
      reply.body.assign(1000, 'x');
      reply.cut_after = 10;
    }
    if (request.target() == "/throw") throw std::runtime_error("kaput");
    co_return reply;
  }

  asio::io_context loop_, clients_;
  http_server server_;
  tcp::endpoint endpoint_;
  std::thread thread_;
};

}  // namespace

TEST_CASE("requests of a kept-alive connection are answered one after the other") {
  running_server server({});
  auto socket = server.connect();
  const auto text = running_server::answer(socket,
                                           "GET /a HTTP/1.1\r\nHost: x\r\n\r\nPOST /b HTTP/1.1\r\nHost: "
                                           "x\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi");
  CHECK(text.find("/a ") != std::string::npos);
  CHECK(text.find("/b hi") != std::string::npos);
}

TEST_CASE("HEAD has the length of GET and no body") {
  running_server server({});
  auto socket = server.connect();
  const auto text =
      running_server::answer(socket, "HEAD /abc HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  CHECK(text.find("Content-Length: 5\r\n") != std::string::npos);
  CHECK(text.ends_with("\r\n\r\n"));
}

TEST_CASE("headers and bodies beyond the limits are refused by status") {
  running_server server({.max_header = 1024, .max_body = 10});
  auto a = server.connect();
  CHECK(running_server::answer(a, "GET / HTTP/1.1\r\nX: " + std::string(5000, 'x') + "\r\n\r\n")
            .starts_with("HTTP/1.1 431"));
  auto b = server.connect();
  CHECK(running_server::answer(b, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n12345678901")
            .starts_with("HTTP/1.1 413"));
}

TEST_CASE("a client that never completes its headers is dropped") {
  running_server server({.header_timeout = std::chrono::milliseconds(100)});
  auto socket = server.connect();
  asio::write(socket, asio::buffer(std::string("GET / HT")));
  CHECK(running_server::rest(socket).empty());
}

TEST_CASE("at the connection limit the oldest idle one goes and a new request is answered") {
  running_server server({.max_connections = 4});
  std::vector<tcp::socket> idle;
  for (int i = 0; i < 4; ++i) idle.push_back(server.connect());
  for (int i = 0; i < 3; ++i) {
    auto socket = server.connect();
    const auto text =
        running_server::answer(socket, "GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    CHECK(text.starts_with("HTTP/1.1 200"));
  }
  CHECK(running_server::rest(idle.front()).empty());
}

TEST_CASE("a reply that is cut announces more than it sends") {
  running_server server({});
  auto socket = server.connect();
  const auto text = running_server::answer(socket, "GET /cut HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(text.find("Content-Length: 1000") != std::string::npos);
  CHECK(text.ends_with("\r\n\r\nxxxxxxxxxx"));
}

TEST_CASE("a handler that throws costs its request alone") {
  running_server server({});
  auto socket = server.connect();
  const auto text = running_server::answer(
      socket,
      "GET /throw HTTP/1.1\r\nHost: x\r\n\r\nGET /after HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  CHECK(text.starts_with("HTTP/1.1 500"));
  CHECK(text.find("kaput") == std::string::npos);
  CHECK(text.find("/after") != std::string::npos);
}

TEST_CASE("a taken port and a wrong address are clear errors") {
  asio::io_context loop;
  tcp::acceptor taken(loop, tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0));
  const auto listen = "127.0.0.1:" + std::to_string(taken.local_endpoint().port());
  const auto handle = [](const http_server_request&) -> asio::awaitable<http_reply> {
    co_return http_reply();
  };
  http_server server(loop.get_executor(), {.listen = listen}, handle);
  const auto started = server.start();
  REQUIRE_FALSE(started);
  CHECK(started.error().to_string().find(listen) != std::string::npos);
  CHECK(started.error().hint.find("http.listen") != std::string::npos);
  http_server wrong(loop.get_executor(), {.listen = "nonsense"}, handle);
  CHECK(wrong.start().error().code == catwalk::errc::invalid_config);
}
