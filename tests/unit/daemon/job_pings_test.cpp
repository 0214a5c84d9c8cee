#include "daemon/job_pings.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include "tests/support/catch.hpp"
#include "tests/support/loopback_server.hpp"

namespace asio = boost::asio;
using namespace catwalk;
using namespace catwalk::daemon;

TEST_CASE("a ping's address takes the suffix at the end of its path") {
  CHECK(ping_address("https://hc.example/id", "") == "https://hc.example/id");
  CHECK(ping_address("https://hc.example/id", "/start") == "https://hc.example/id/start");
  CHECK(ping_address("https://hc.example/id/", "/fail") == "https://hc.example/id/fail");
  CHECK(ping_address("https://hc.example/id?a=1#x", "/fail") == "https://hc.example/id/fail?a=1#x");
}

TEST_CASE("a job's start and end are told, and a ping that fails holds nothing up") {
  testing::loopback_server server([](const auto& request) {
    testing::loopback_server::reply r;
    r.status = request.target == "/b" ? 500 : 200;
    return r;
  });
  asio::io_context loop;
  job_pings pings(loop.get_executor(), {});
  config::job_settings a, b, silent, nobody;
  a.name = "a";
  a.ping_url = server.at("/a");
  b.ping_url = server.at("/b");
  nobody.ping_url = "http://127.0.0.1:1/";
  pings.started(a);
  pings.ended(b, true, "fine");
  pings.ended(a, false, "2 errors");
  pings.started(silent);
  pings.started(nobody);
  auto stopped = asio::co_spawn(loop, pings.stop(), asio::use_future);
  const auto begun = std::chrono::steady_clock::now();
  loop.run();
  stopped.get();
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(3));
  std::map<std::string, std::string> seen;
  for (const auto& request : server.requests()) {
    CHECK(request.method == "POST");
    seen[request.target] = request.body;
  }
  CHECK(seen ==
        std::map<std::string, std::string>{{"/a/start", "started"}, {"/b", "fine"}, {"/a/fail", "2 errors"}});
}
