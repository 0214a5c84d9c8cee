#include "scrape/guard_proxy.hpp"

#include "core/clock.hpp"
#include "tests/unit/scrape/guard_proxy_fixture.hpp"

using namespace catwalk;
using namespace catwalk::testing;
using namespace std::chrono_literals;
using fixture = guard_proxy_fixture;

namespace {

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("guard proxy: CONNECT tunnels bytes both ways, early ones too") {
  fixture f;
  f.run([](fixture& of) -> awaitable<void> {
    auto client = co_await of.say(of.connect_to(of.server_name()) + "early ");
    auto server = co_await of.server.async_accept(boost::asio::use_awaitable);
    const auto answer = co_await of.head(client);
    CHECK(answer == "HTTP/1.1 200 Connection established\r\n\r\n");
    const std::string much(300'000, 'x');
    co_await of.send(client, "ping");
    std::string heard(10, ' ');
    co_await boost::asio::async_read(server, boost::asio::buffer(heard), as_result);
    CHECK(heard == "early ping");
    co_await of.send(server, much);
    server.close();
    const auto rest = co_await of.rest(client);
    CHECK(rest == much);
    CHECK(of.failures.empty());
  }(f));
}

TEST_CASE("guard proxy: an absolute address is asked for in origin form, and the secret stays here") {
  fixture f;
  f.run([](fixture& of) -> awaitable<void> {
    const std::string to = "http://" + of.server_name();
    for (const auto& [address, path] :
         {std::pair(to + "/a%7c|b?q=1", "/a%7c|b?q=1"), std::pair(to, "/"), std::pair(to + "?q", "/?q")}) {
      auto client =
          co_await of.say("POST " + address + " HTTP/1.1\r\nHost: elsewhere\r\n" + of.shown() +
                          "Proxy-Connection: keep-alive\r\nX-Own: 1\r\nContent-Length: 4\r\n\r\nbody");
      auto server = co_await of.server.async_accept(boost::asio::use_awaitable);
      const auto asked = co_await of.head(server);
      CHECK(asked.starts_with("POST " + std::string(path) + " HTTP/1.1\r\n"));
      CHECK(holds(asked, "Host: " + of.server_name() + "\r\n"));
      CHECK(holds(asked, "X-Own: 1\r\n"));
      CHECK(holds(asked, "Connection: close\r\n"));
      CHECK_FALSE(holds(asked, "Proxy-"));
      CHECK_FALSE(holds(asked, "elsewhere"));
      CHECK(asked.ends_with("\r\n\r\nbody"));
      const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
      co_await of.send(server, answer);
      server.close();
      const auto heard = co_await of.rest(client);
      CHECK(heard == answer);
    }
  }(f));
}

TEST_CASE("guard proxy: what a client says after its request reaches no server") {
  fixture f;
  f.run([](fixture& of) -> awaitable<void> {
    auto client = co_await of.say(of.get("http://" + of.server_name() + "/first"));
    auto server = co_await of.server.async_accept(boost::asio::use_awaitable);
    co_await of.head(server);
    co_await of.send(server, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    const auto answer = co_await of.head(client);
    CHECK(answer.starts_with("HTTP/1.1 200"));
    co_await of.send(client, of.get("http://" + of.server_name() + "/second"));
    const auto more = co_await of.rest(server);
    CHECK(more.empty());
  }(f));
}

TEST_CASE("guard proxy: private hosts are refused with the reason, and not dialled") {
  fixture f;
  f.run([](fixture& of) -> awaitable<void> {
    const std::string port = ":" + of.inside_port();
    std::size_t refused = 0;
    for (const std::string host :
         {"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0x7f.1", "2130706433"}) {
      const std::string to = host + port;
      for (const auto& question : {of.connect_to(to), of.get("http://" + to + "/")}) {
        const auto answer = co_await of.ask(question);
        INFO(host);
        CHECK(answer.starts_with("HTTP/1.1 403 Forbidden\r\n"));
        CHECK(holds(answer, "Proxy-Status: catwalk\r\n"));
        CHECK(holds(answer, " is loopback"));
        REQUIRE(of.failures.size() == ++refused);
        CHECK(of.failures.back().second.code == errc::refused_address);
        CHECK(of.failures.back().first.ends_with(port));
      }
    }
    for (const std::string host :
         {"10.0.0.1", "[::ffff:10.0.0.1]", "[64:ff9b::10.0.0.1]", "169.254.169.254"}) {
      const auto answer = co_await of.ask(of.connect_to(host + ":80"));
      CHECK(answer.starts_with("HTTP/1.1 403 Forbidden\r\n"));
    }
    // The exception is for the address as it was named.
    const auto mapped = co_await of.ask(of.connect_to("[::ffff:127.0.0.1]:" + of.server_name().substr(10)));
    CHECK(mapped.starts_with("HTTP/1.1 403 Forbidden\r\n"));
    CHECK_FALSE(of.inside_was_reached());
  }(f));
}

TEST_CASE("guard proxy: with the guard off private hosts are permitted") {
  fixture f({}, false);
  f.run([](fixture& of) -> awaitable<void> {
    auto client = co_await of.say(of.connect_to("localhost:" + of.inside_port()));
    const auto answer = co_await of.head(client);
    CHECK(answer.starts_with("HTTP/1.1 200 "));
    CHECK(of.inside_was_reached());
  }(f));
}

TEST_CASE("guard proxy: nobody gets through without a pass that lives") {
  fixture f;
  f.run([](fixture& of) -> awaitable<void> {
    const std::string to = of.server_name();
    const auto question = [&](const std::string& header) {
      return "CONNECT " + to + " HTTP/1.1\r\nHost: " + to + "\r\n" + header + "\r\n";
    };
    auto other = of.proxy.admit([](const std::string&, const error&) {});
    REQUIRE(other);
    const std::string others = of.shown((*other)->user, (*other)->password);
    const std::string swapped = of.shown((*other)->user, of.pass->password);
    other->reset();
    for (const auto& header :
         {std::string(), of.shown(of.pass->user, "wrong"), of.shown(of.pass->user, ""),
          of.shown("nobody", of.pass->password), of.shown("", ""), swapped, others,
          "Proxy-Authorization: Bearer " + of.pass->password + "\r\n",
          std::string("Proxy-Authorization: Basic %\r\n"), "Authorization" + of.shown().substr(19)}) {
      INFO(header);
      const auto answer = co_await of.ask(question(header));
      CHECK(answer.starts_with("HTTP/1.1 407 "));
      CHECK(holds(answer, "Proxy-Authenticate: Basic realm=\"catwalk\"\r\n"));
      CHECK_FALSE(holds(answer, of.pass->password));
    }
    of.server.non_blocking(true);
    boost::system::error_code none;
    tcp::socket accepted(of.loop);
    of.server.accept(accepted, none);
    CHECK(none == boost::asio::error::would_block);
    CHECK(of.failures.empty());
  }(f));
}

TEST_CASE("guard proxy: what is no request, or too large a one, is answered as such") {
  scrape::guard_proxy_limits limits;
  limits.max_body = 10;
  fixture f(limits);
  f.run([](fixture& of) -> awaitable<void> {
    const std::string to = "http://" + of.server_name() + "/";
    const std::string long_header = "X: " + std::string(17'000, 'x') + "\r\n";
    const std::string post = "POST " + to + " HTTP/1.1\r\nHost: x\r\n" + of.shown();
    const std::pair<std::string, const char*> cases[] = {
        {"GET " + to + " HTTP/1.1\r\n" + of.shown() + long_header + "\r\n", "431"},
        {post + "Transfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n0\r\n\r\n", "413"},
        {post + "Content-Length: 11\r\n\r\nhello world", "413"},
        {"hello\r\n\r\n", "400"},
        {of.get("/path"), "400"},
        {of.get("https://shop.example/"), "400"},
        {of.get("ftp://shop.example/"), "400"},
        {of.connect_to("shop.example"), "400"},
        {of.connect_to("user@shop.example:443"), "400"},
        {of.connect_to("shop.example/:443"), "400"},
    };
    for (const auto& [question, status] : cases) {
      INFO(question.substr(0, 60));
      const auto answer = co_await of.ask(question);
      CHECK(answer.starts_with("HTTP/1.1 " + std::string(status) + " "));
    }
  }(f));
}

TEST_CASE("guard proxy: a server that cannot be reached, or hangs up, is 502 or the end") {
  fixture f;
  f.run([](fixture& of) -> awaitable<void> {
    auto [client, server] = co_await of.tunnel();
    server.close();
    const auto heard = co_await of.rest(client);
    CHECK(heard.empty());

    auto plain = co_await of.say(of.get("http://" + of.server_name() + "/"));
    {
      auto hangs_up = co_await of.server.async_accept(boost::asio::use_awaitable);
      co_await of.head(hangs_up);
    }
    const auto unanswered = co_await of.rest(plain);
    CHECK(unanswered.starts_with("HTTP/1.1 502 "));
    CHECK(holds(unanswered, "without an answer"));

    REQUIRE(of.failures.size() == 1);
    of.server.close();
    const auto gone = co_await of.ask(of.connect_to(of.failures.back().first));
    CHECK(gone.starts_with("HTTP/1.1 502 "));
    CHECK(holds(gone, "refused"));
    const auto unknown = co_await of.ask(of.connect_to("nobody.invalid:443"));
    CHECK(unknown.starts_with("HTTP/1.1 502 "));
    CHECK(holds(unknown, "no address"));
    CHECK(of.failures.size() == 3);
    for (const auto& [host, why] : of.failures) CHECK(why.code == errc::network);
  }(f));
}

TEST_CASE("guard proxy: who has said all may still be answered") {
  fixture f;
  f.run([](fixture& of) -> awaitable<void> {
    auto [client, server] = co_await of.tunnel();
    co_await of.send(client, "all");
    client.shutdown(tcp::socket::shutdown_send);
    const auto heard = co_await of.rest(server);
    CHECK(heard == "all");
    co_await of.send(server, "late");
    server.close();
    const auto answer = co_await of.rest(client);
    CHECK(answer == "late");

    auto plain = co_await of.say(of.get("http://" + of.server_name() + "/"));
    plain.shutdown(tcp::socket::shutdown_send);
    auto answering = co_await of.server.async_accept(boost::asio::use_awaitable);
    co_await of.head(answering);
    co_await of.send(answering, "HTTP/1.0 200 OK\r\n\r\nhi");
    answering.close();
    const auto page = co_await of.rest(plain);
    CHECK(page == "HTTP/1.0 200 OK\r\n\r\nhi");
  }(f));
}

TEST_CASE("guard proxy: what says nothing ends by the time limits") {
  scrape::guard_proxy_limits limits;
  limits.header_timeout = 50ms;
  limits.idle_timeout = 100ms;
  fixture f(limits);
  const auto begun = steady_now();
  f.run([](fixture& of) -> awaitable<void> {
    const auto unsaid = co_await of.ask("CONNECT ");
    CHECK(unsaid.empty());
    auto [client, server] = co_await of.tunnel();
    const auto heard = co_await of.rest(client);
    CHECK(heard.empty());
    const auto also = co_await of.rest(server);
    CHECK(also.empty());
    auto plain = co_await of.say(of.get("http://" + of.server_name() + "/"));
    auto silent = co_await of.server.async_accept(boost::asio::use_awaitable);
    const auto answer = co_await of.rest(plain);
    CHECK(answer.starts_with("HTTP/1.1 502 "));
  }(f));
  CHECK(steady_now() - begun < 5s);
}

TEST_CASE("guard proxy: at the limit of connections those without a pass go first") {
  scrape::guard_proxy_limits limits;
  limits.max_connections = 2;
  fixture f(limits);
  f.run([](fixture& of) -> awaitable<void> {
    auto idle = co_await of.say("");
    auto [first, first_end] = co_await of.tunnel();
    auto [second, second_end] = co_await of.tunnel();
    const auto dropped = co_await of.rest(idle);
    CHECK(dropped.empty());
    const auto third = co_await of.ask(of.connect_to(of.server_name()));
    CHECK(third.empty());
    co_await of.send(first, "still");
    std::string heard(5, ' ');
    co_await boost::asio::async_read(first_end, boost::asio::buffer(heard), as_result);
    CHECK(heard == "still");
  }(f));
}
