#include "daemon/intake_gate.hpp"

#include <boost/asio/io_context.hpp>

#include "core/task_group.hpp"
#include "tests/support/catch.hpp"

using namespace catwalk;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

asio::awaitable<void> pass(daemon::intake_gate& gate, bool& passed) {
  co_await gate.wait_until_open();
  passed = true;
}

}  // namespace

TEST_CASE("an open gate lets intake pass at once") {
  asio::io_context loop;
  daemon::intake_gate gate(loop.get_executor(), "pages", [] { return std::nullopt; });
  bool passed = false;
  task_group tasks(loop.get_executor());
  tasks.spawn("intake", pass(gate, passed));
  loop.poll();
  CHECK(passed);
  CHECK_FALSE(gate.closed());
}

TEST_CASE("a closed gate says why, holds intake back and lets it pass when the reason is gone") {
  asio::io_context loop;
  int looks = 0;
  daemon::intake_gate gate(
      loop.get_executor(), "pages",
      [&]() -> std::optional<std::string> {
        if (++looks <= 3) return "the disk is full";
        return std::nullopt;
      },
      0ms);
  CHECK(gate.closed() == "the disk is full");
  bool passed = false;
  task_group tasks(loop.get_executor());
  tasks.spawn("intake", pass(gate, passed));
  loop.run();
  CHECK(passed);
  CHECK(looks == 4);
}

TEST_CASE("a run that is cancelled does not wait for a closed gate") {
  asio::io_context loop;
  daemon::intake_gate gate(
      loop.get_executor(), "pages", []() -> std::optional<std::string> { return "full"; }, 1h);
  bool passed = false;
  task_group tasks(loop.get_executor());
  tasks.spawn("intake", pass(gate, passed));
  loop.poll();
  tasks.cancel();
  loop.run();
  CHECK_FALSE(passed);
  CHECK(tasks.size() == 0);
}
