#include "daemon/image_retry.hpp"

#include "tests/support/catch.hpp"

using namespace catwalk;
using daemon::next_image_try;

namespace {
const wall_time now = from_millis(1'000'000);
error with(errc code, int status = 0) {
  error e;
  e.code = code;
  e.http_status = status;
  return e;
}
}  // namespace

TEST_CASE("what is wrong with the image itself waits until its address changes") {
  for (const auto code : {errc::broken_image, errc::not_an_image, errc::unsupported_image, errc::too_large,
                          errc::refused_address, errc::robots})
    CHECK_FALSE(next_image_try(with(code), 0, now));
  CHECK_FALSE(next_image_try(with(errc::http_status, 404), 0, now));
  CHECK_FALSE(next_image_try(with(errc::http_status, 410), 0, now));
}

TEST_CASE("what may pass is tried again, later each time, but at least once a day") {
  using namespace std::chrono_literals;
  CHECK(next_image_try(with(errc::network), 0, now) == now + 10min);
  CHECK(next_image_try(with(errc::robots, 503), 0, now) == now + 10min);
  CHECK(next_image_try(with(errc::http_status, 503), 1, now) == now + 20min);
  CHECK(next_image_try(with(errc::timeout), 3, now) == now + 80min);
  CHECK(next_image_try(with(errc::timeout), 7, now) == now + 1280min);
  CHECK(next_image_try(with(errc::timeout), 8, now) == now + 24h);
  CHECK(next_image_try(with(errc::timeout), 1'000'000, now) == now + 24h);
}
