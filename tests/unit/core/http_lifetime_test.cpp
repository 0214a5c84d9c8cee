#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "tests/unit/core/http_fixture.hpp"

using namespace catwalk;
using namespace std::chrono_literals;
using catwalk::testing::http_fixture;
namespace asio = boost::asio;

namespace {

struct slow : http_fixture {
  static reply answer(const request& q) {
    reply r;
    r.body = std::string(10'000, 'z');
    if (q.target == "/late") r.delay = 20s;
    if (q.target == "/drip") {
      r.drip_bytes = 10;
      r.drip_every = 10ms;
    }
    return r;
  }

  // Starts a fetch that `signal` cancels; the outcome lands in `outcome`.
  void start(http_client& by, http_request r) {
    asio::co_spawn(loop, by.fetch(std::move(r)),
                   asio::bind_cancellation_slot(
                       signal.slot(), [this](const std::exception_ptr& e, result<http_response> got) {
                         if (e) std::rethrow_exception(e);
                         outcome.emplace(std::move(got));
                       }));
  }
  void after(std::chrono::milliseconds time, std::function<void()> act) {
    timer.expires_after(time);
    timer.async_wait([act = std::move(act)](boost::system::error_code) { act(); });
  }

  server s{&slow::answer};
  asio::cancellation_signal signal;
  asio::steady_timer timer{loop};
  std::optional<result<http_response>> outcome;
};

}  // namespace

TEST_CASE_METHOD(slow, "a cancelled fetch ends at once with cancelled") {
  for (const auto* path : {"/late", "/drip"}) {
    outcome.reset();
    start(client, get(s.at(path)));
    after(100ms, [this] { signal.emit(asio::cancellation_type::terminal); });
    const auto before = std::chrono::steady_clock::now();
    loop.restart();
    loop.run();
    CHECK(std::chrono::steady_clock::now() - before < 3s);
    REQUIRE(outcome);
    REQUIRE_FALSE(*outcome);
    CHECK(outcome->error().code == errc::cancelled);
  }
  // The client goes on working.
  CHECK(fetch(get(s.at("/fine"))));
}

TEST_CASE_METHOD(slow, "cancelling from within on_body is safe") {
  auto r = get(s.at("/drip"));
  int calls = 0;
  r.on_body = [&](std::string_view) -> result<void> {
    ++calls;
    signal.emit(asio::cancellation_type::terminal);
    return {};
  };
  start(client, std::move(r));
  loop.run();
  REQUIRE(outcome);
  REQUIRE_FALSE(*outcome);
  CHECK(outcome->error().code == errc::cancelled);
  CHECK(calls >= 1);
}

TEST_CASE_METHOD(slow, "a client destroyed with transfers in flight ends them with cancelled") {
  auto owned = std::make_unique<http_client>(loop.get_executor(), open_options());
  int cancelled = 0;
  for (int i = 0; i < 20; ++i)
    asio::co_spawn(loop, owned->fetch(get(s.at(i % 2 ? "/late" : "/drip"))),
                   [&](const std::exception_ptr& e, const result<http_response>& got) {
                     if (!e && !got && got.error().code == errc::cancelled) ++cancelled;
                   });
  after(100ms, [&] { owned.reset(); });
  loop.run();
  CHECK(cancelled == 20);
}

TEST_CASE_METHOD(slow, "a fetch that begins after its client is gone is cancelled") {
  auto owned = std::make_unique<http_client>(loop.get_executor(), open_options());
  start(*owned, get(s.at("/fine")));
  owned.reset();
  loop.run();
  REQUIRE(outcome);
  REQUIRE_FALSE(*outcome);
  CHECK(outcome->error().code == errc::cancelled);
  CHECK(s.requests().empty());
}

TEST_CASE_METHOD(slow, "the loop may be destroyed with transfers in flight") {
  auto other = std::make_unique<asio::io_context>(1);
  auto owned = std::make_unique<http_client>(other->get_executor(), open_options());
  for (int i = 0; i < 5; ++i)
    asio::co_spawn(*other, owned->fetch(get(s.at("/late"))),
                   [](const std::exception_ptr&, const result<http_response>&) {});
  other->run_for(100ms);
  CHECK(s.connections() > 0);
  owned.reset();
  other.reset();
}

TEST_CASE_METHOD(slow, "a transfer that waits for a free connection keeps its time limit") {
  auto o = open_options();
  o.max_connections_per_host = 1;
  http_client narrow(loop.get_executor(), o);
  std::vector<errc> codes;
  const auto before = std::chrono::steady_clock::now();
  for (int i = 0; i < 3; ++i) {
    auto r = get(s.at("/late"));
    r.timeout = 300ms;
    asio::co_spawn(loop, narrow.fetch(std::move(r)),
                   [&](const std::exception_ptr&, const result<http_response>& got) {
                     codes.push_back(got ? errc::internal : got.error().code);
                   });
  }
  loop.run();
  CHECK(std::chrono::steady_clock::now() - before < 2s);
  CHECK(codes == std::vector<errc>(3, errc::timeout));
}

TEST_CASE_METHOD(slow, "cancelled and finished transfers leave nothing behind") {
  for (int round = 0; round < 20; ++round) {
    std::vector<std::unique_ptr<asio::cancellation_signal>> signals;
    int ended = 0;
    for (int i = 0; i < 10; ++i) {
      signals.push_back(std::make_unique<asio::cancellation_signal>());
      asio::co_spawn(loop, client.fetch(get(s.at(i % 2 ? "/drip" : "/fine"))),
                     asio::bind_cancellation_slot(
                         signals.back()->slot(),
                         [&](const std::exception_ptr&, const result<http_response>&) { ++ended; }));
    }
    after(std::chrono::milliseconds(round), [&] {
      for (auto& one : signals) one->emit(asio::cancellation_type::terminal);
    });
    loop.restart();
    loop.run();
    CHECK(ended == 10);
  }
  CHECK(s.wait_for_open_connections(8, 5s));
}
