#include "daemon/event_hub.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "core/task_group.hpp"
#include "tests/support/catch.hpp"

using namespace catwalk;
using namespace catwalk::daemon;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

/// A client that takes what it is sent, at once or not at all.
class fake_stream final : public http_stream {
 public:
  explicit fake_stream(asio::io_context& loop) : stuck_(loop, asio::steady_timer::time_point::max()) {}
  asio::awaitable<bool> write(std::string text, std::chrono::milliseconds) override {
    if (takes) {
      taken += text;
      co_return true;
    }
    boost::system::error_code ignored;
    co_await stuck_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    co_return false;
  }
  void give_up() { stuck_.cancel(); }
  bool takes = true;
  std::string taken;

 private:
  asio::steady_timer stuck_;
};

struct fixture {
  asio::io_context loop;
  event_hub hub{loop.get_executor(), {2, 3, 1h, 1h}};
  task_group tasks{loop.get_executor()};
  void listen(fake_stream& to) { tasks.spawn("client", hub.serve(to, event_hub::event("status", "{}"))); }
  void settle() {
    loop.restart();
    loop.poll();
  }
};

asio::awaitable<void> close(event_hub& hub) {
  co_await hub.close("bye", 1h);
}

}  // namespace

TEST_CASE("every client gets what happens, beginning with how things are") {
  fixture f;
  fake_stream a(f.loop), b(f.loop);
  f.listen(a);
  f.settle();
  f.hub.publish("site", R"({"name":"A"})");
  f.settle();
  f.listen(b);
  f.settle();
  CHECK(f.hub.full());
  f.hub.publish("run_ended", "{}");
  f.settle();
  CHECK(a.taken ==
        "retry: 2000\n\nevent: status\ndata: {}\n\nevent: site\ndata: {\"name\":\"A\"}\n\n"
        "event: run_ended\ndata: {}\n\n");
  CHECK(b.taken == "retry: 2000\n\nevent: status\ndata: {}\n\nevent: run_ended\ndata: {}\n\n");
  f.tasks.spawn("close", close(f.hub));
  f.settle();
  CHECK(f.tasks.size() == 0);
  CHECK(a.taken.ends_with("event: goodbye\ndata: {\"reason\":\"bye\"}\n\n"));
}

TEST_CASE("a client that does not take its events is dropped, and nobody waits for it") {
  fixture f;
  fake_stream good(f.loop), slow(f.loop);
  slow.takes = false;
  f.listen(good);
  f.listen(slow);
  f.settle();
  for (int i = 0; i < 4; ++i) {
    f.hub.publish("site", std::to_string(i));
    f.settle();
  }
  CHECK(good.taken.ends_with("data: 3\n\n"));
  // Its writes end with the time that they have.
  slow.give_up();
  f.settle();
  CHECK(f.hub.clients() == 1);
  f.tasks.spawn("close", close(f.hub));
  f.settle();
  CHECK(f.tasks.size() == 0);
}

TEST_CASE("of events that replace one another a client that is behind gets the latest") {
  fixture f;
  fake_stream client(f.loop);
  client.takes = false;
  f.listen(client);
  f.settle();
  for (int i = 0; i < 100; ++i) f.hub.publish("status", std::to_string(i), true);
  CHECK(f.hub.clients() == 1);
  f.tasks.cancel();
  f.settle();
  CHECK(f.tasks.size() == 0);
}
