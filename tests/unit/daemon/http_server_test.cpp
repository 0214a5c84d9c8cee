#include "daemon/http_server.hpp"

#include <sys/stat.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <filesystem>
#include <future>
#include <thread>

#include "daemon/http_listener.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/result_printer.hpp"
#include "tests/support/temporary_folder.hpp"

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
    if (!stopped_) stop({});
    thread_.join();
  }
  /// Once: the loop ends with it.
  void stop(std::chrono::milliseconds at_most) {
    stopped_ = true;
    asio::co_spawn(loop_, server_.stop(at_most), asio::use_future).get();
  }

  tcp::socket connect() {
    tcp::socket socket(clients_);
    socket.connect(endpoint_);
    return socket;
  }

  asio::local::stream_protocol::socket connect(const std::filesystem::path& unix_socket) {
    asio::local::stream_protocol::socket socket(clients_);
    socket.connect(asio::local::stream_protocol::endpoint(unix_socket.string()));
    return socket;
  }

  template <class Socket>
  static std::string answer(Socket& socket, const std::string& request) {
    asio::write(socket, asio::buffer(request));
    return rest(socket);
  }
  template <class Socket>
  static std::string rest(Socket& socket) {
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
    if (request.target() == "/peer") reply.body = request.peer.local_socket ? "local" : request.peer.address;
    if (request.target() == "/slow") {
      asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::milliseconds(500));
      co_await timer.async_wait(asio::use_awaitable);
    }
    if (request.target() == "/throw") throw std::runtime_error("kaput");
    co_return reply;
  }

  asio::io_context loop_, clients_;
  http_server server_;
  tcp::endpoint endpoint_;
  std::thread thread_;
  bool stopped_ = false;
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

TEST_CASE("connections without a complete request leave places to those that have one") {
  running_server server({.max_connections = 10, .kept_for_requests = 4});
  std::vector<tcp::socket> slow;
  for (int i = 0; i < 7; ++i) {
    slow.push_back(server.connect());
    asio::write(slow.back(), asio::buffer(std::string("GET / HT")));
  }
  // The seventh took the place of the first; six of the ten places are theirs.
  CHECK(running_server::rest(slow[0]).empty());
  auto socket = server.connect();
  CHECK(running_server::answer(socket, "GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .starts_with("HTTP/1.1 200"));
}

TEST_CASE("a client that never completes its body is given up too") {
  running_server server({.body_timeout = std::chrono::milliseconds(100)});
  auto socket = server.connect();
  CHECK(running_server::answer(socket, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n123").empty());
}

TEST_CASE("what is refused on its headers is answered before its body comes, whole") {
  http_server_options options;
  options.admit = [](const http_request_head& head, const http_peer&) -> http_admission {
    if (head.target() == "/no") return {0, text_reply(401, "who are you")};
    return {5, std::nullopt};
  };
  running_server server(options);
  auto a = server.connect();
  CHECK(running_server::answer(a, "POST /no HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
            .ends_with("who are you"));
  // The client sends its body all the same: it must still be able to read why it was refused.
  auto b = server.connect();
  CHECK(running_server::answer(
            b, "POST /no HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n" + std::string(300'000, 'x'))
            .ends_with("who are you"));
  auto c = server.connect();
  const auto kept = running_server::answer(
      c,
      "GET /no HTTP/1.1\r\nHost: x\r\n\r\nPOST /yes HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
      "Connection: close\r\n\r\n12345");
  CHECK(kept.find("401") != std::string::npos);
  CHECK(kept.ends_with("/yes 12345"));
  auto d = server.connect();
  CHECK(running_server::answer(d,
                               "POST /yes HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                               "6\r\n123456\r\n0\r\n\r\n")
            .starts_with("HTTP/1.1 413"));
}

TEST_CASE("a client that asks whether to go on is told so, or refused without its body") {
  running_server server({.max_body = 10});
  const std::string head = "POST /b HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nConnection: close\r\n";
  auto a = server.connect();
  asio::write(a, asio::buffer(head + "Content-Length: 2\r\n\r\n"));
  std::string text(12, '\0');
  asio::read(a, asio::buffer(text));
  CHECK(text == "HTTP/1.1 100");
  CHECK(running_server::answer(a, "hi").ends_with("/b hi"));
  auto b = server.connect();
  CHECK(running_server::answer(b, head + "Content-Length: 11\r\n\r\n").starts_with("HTTP/1.1 413"));
}

TEST_CASE("bodies that are held at the same time have a limit together") {
  running_server server({.max_body = 100, .max_bodies = 150});
  const std::string head = "POST /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ";
  auto slow = server.connect();
  asio::write(slow, asio::buffer(head + "100\r\n\r\n" + std::string(99, 'a')));
  auto small = server.connect();
  CHECK(running_server::answer(small, head + "3\r\n\r\nabc").ends_with("/b abc"));
  auto refused = server.connect();
  const auto text = running_server::answer(refused, head + "100\r\n\r\n" + std::string(100, 'b'));
  CHECK(text.starts_with("HTTP/1.1 429"));
  CHECK(text.find("Retry-After: 1\r\n") != std::string::npos);
  CHECK(running_server::answer(slow, "a").starts_with("HTTP/1.1 200"));
  auto again = server.connect();
  CHECK(running_server::answer(again, head + "100\r\n\r\n" + std::string(100, 'b'))
            .starts_with("HTTP/1.1 200"));
}

TEST_CASE("the unix socket is for its owner and the group, and says which way a request came") {
  const catwalk::testing::temporary_folder folder;
  const auto path = folder.path() / "catwalk.sock";
  const std::string ask = "GET /peer HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  http_server_options options;
  options.unix_socket = path;
  {
    running_server server(options);
    struct stat info {};
    REQUIRE(::stat(path.c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0660);
    auto local = server.connect(path);
    CHECK(running_server::answer(local, ask).ends_with("\r\n\r\nlocal"));
    auto remote = server.connect();
    CHECK(running_server::answer(remote, ask).ends_with("\r\n\r\n127.0.0.1"));
    {
      // A second server does not take it away, neither when it comes nor when it goes.
      running_server second(options);
      auto other = second.connect();
      CHECK(running_server::answer(other, ask).starts_with("HTTP/1.1 200"));
    }
    auto again = server.connect(path);
    CHECK(running_server::answer(again, ask).ends_with("local"));
  }
  CHECK_FALSE(std::filesystem::exists(path));
  {
    // What a killed process left behind is replaced.
    asio::io_context loop;
    asio::local::stream_protocol::acceptor left(loop, asio::local::stream_protocol::endpoint(path.string()));
    left.close();
    REQUIRE(std::filesystem::exists(path));
    running_server server(options);
    auto local = server.connect(path);
    CHECK(running_server::answer(local, ask).ends_with("local"));
  }
  const auto too_long = listen_on(asio::io_context().get_executor(), folder.path() / std::string(120, 'x'));
  CHECK(too_long.error().hint.find("RUNTIME_DIRECTORY") != std::string::npos);
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

TEST_CASE("at a stop what is being answered has its answer, and nothing else is waited for") {
  running_server server({});
  auto idle = server.connect();
  auto half = server.connect();
  asio::write(half, asio::buffer(std::string("GET /half HTTP/1.1\r\n")));
  auto slow = server.connect();
  asio::write(slow, asio::buffer(std::string("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")));
  // Answered after the request before it was taken.
  auto probe = server.connect();
  running_server::answer(probe, "GET /probe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

  SECTION("within the time") {
    const auto begun = std::chrono::steady_clock::now();
    server.stop(std::chrono::seconds(30));
    CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(20));
    const auto answer = running_server::rest(slow);
    CHECK(answer.find("200 OK") != std::string::npos);
    CHECK(answer.find("Connection: close") != std::string::npos);
    CHECK(answer.ends_with("/slow "));
  }
  SECTION("beyond the time it breaks off") {
    server.stop(std::chrono::milliseconds(20));
    CHECK(running_server::rest(slow).empty());
  }
  CHECK(running_server::rest(idle).empty());
  CHECK(running_server::rest(half).empty());
  boost::system::error_code refused;
  try {
    server.connect();
  } catch (const boost::system::system_error& e) {
    refused = e.code();
  }
  CHECK(refused == asio::error::connection_refused);
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
