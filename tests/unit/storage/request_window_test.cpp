#include "storage/request_window.hpp"

#include <algorithm>
#include <functional>

#include "tests/support/catch.hpp"

using namespace catwalk::storage;
using seconds = std::chrono::duration<double>;

namespace {

request_window::settings up_to(int most) {
  request_window::settings s;
  s.most = most;
  return s;
}

/// `requests` of a sink that takes so long for each when so many are under way.
void pass(request_window& window, int requests, const std::function<double(int)>& took) {
  for (int i = 0; i < requests; ++i) window.accepted(seconds(took(window.size())));
}

}  // namespace

TEST_CASE("a window opens as far as it may while the sink takes all at once") {
  request_window window(up_to(4));
  CHECK(window.size() == 1);
  pass(window, 9, [](int) { return 0.2; });
  CHECK(window.size() == 1);
  pass(window, 1, [](int) { return 0.2; });
  CHECK(window.size() == 2);
  pass(window, 100, [](int) { return 0.2; });
  CHECK(window.size() == 4);
}

TEST_CASE("a window goes back where one request more brings nothing, and tries again later") {
  request_window window(up_to(4));
  // Two at a time; what is more waits for its turn.
  const auto took = [](int size) { return 0.1 * std::max(1, size) / std::min(2, size); };
  pass(window, 30, took);
  CHECK(window.size() == 2);
  pass(window, 190, took);
  CHECK(window.size() == 2);
  pass(window, 10, took);
  CHECK(window.size() == 3);
  pass(window, 10, took);
  CHECK(window.size() == 2);
}

TEST_CASE("a window of a sink that takes one at a time stays closed for the most part") {
  request_window window(up_to(8));
  int wide = 0;
  for (int i = 0; i < 1'000; ++i) {
    wide += window.size() > 1 ? 1 : 0;
    window.accepted(seconds(0.05 * window.size()));
  }
  CHECK(wide > 0);
  CHECK(wide < 100);
}

TEST_CASE("trouble closes a window") {
  request_window window(up_to(4));
  pass(window, 100, [](int) { return 0.2; });
  window.troubled();
  CHECK(window.size() == 1);
  pass(window, 10, [](int) { return 0.2; });
  CHECK(window.size() == 2);
}
