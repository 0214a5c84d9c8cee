#include "scrape/retry_policy.hpp"

#include "scrape/retry_after.hpp"
#include "tests/support/catch.hpp"

using namespace catwalk;
using namespace catwalk::scrape;
using namespace std::chrono_literals;

namespace {

error status_error(errc code, int status) {
  error e{code, "", "", "", ""};
  e.http_status = status;
  return e;
}

}  // namespace

TEST_CASE("waits double, and the attempts end") {
  retry_policy policy(4, 1s);
  const error lost{errc::network, "", "", "", ""};
  CHECK(policy.after(lost, {}, 0.0) == 1000ms);
  CHECK(policy.after(lost, {}, 0.0) == 2000ms);
  CHECK(policy.after(lost, {}, 0.999) == 4999ms);
  CHECK_FALSE(policy.after(lost, {}, 0.0));
  CHECK(policy.attempts() == 4);
  retry_policy patient(100, 1s);
  for (int i = 0; i < 40; ++i) CHECK(*patient.after(lost, {}, 0.0) <= 30s);
}

TEST_CASE("only what may pass is tried again") {
  const auto again = [](const error& e) { return retry_policy(3, 1s).after(e, {}, 0.0).has_value(); };
  CHECK(again({errc::timeout, "", "", "", ""}));
  CHECK(again(status_error(errc::blocked, 429)));
  for (const int status : {408, 425, 500, 502, 503, 504, 520})
    CHECK(again(status_error(errc::http_status, status)));
  for (const int status : {400, 401, 405, 451, 501, 505})
    CHECK_FALSE(again(status_error(errc::http_status, status)));
  CHECK_FALSE(again(status_error(errc::blocked, 403)));
  for (const errc code : {errc::cancelled, errc::refused_address, errc::too_large, errc::too_many_redirects,
                          errc::robots, errc::malformed}) {
    CHECK_FALSE(again({code, "", "", "", ""}));
  }
}

TEST_CASE("the server's own pause counts, unless it is too long") {
  const error busy = status_error(errc::http_status, 503);
  CHECK(retry_policy(3, 1s).after(busy, 20s, 0.0) == 20s);
  CHECK(retry_policy(3, 1s).after(busy, 0s, 0.0) == 1s);
  CHECK(retry_policy(3, 1s).after(busy, 10min, 0.0) == 10min);
  CHECK_FALSE(retry_policy(3, 1s).after(busy, 10min + 1s, 0.0));
}

TEST_CASE("Retry-After is seconds or a date") {
  const wall_time now = from_millis(784111777000);  // Sun, 06 Nov 1994 08:49:37 GMT
  CHECK(parse_retry_after("120", now) == 120s);
  CHECK(parse_retry_after(" 0 ", now) == 0s);
  CHECK(parse_retry_after("Sun, 06 Nov 1994 08:50:37 GMT", now) == 60s);
  CHECK(parse_retry_after("Sunday, 06-Nov-94 08:50:07 GMT", now) == 30s);
  CHECK(parse_retry_after("Sun Nov  6 08:49:47 1994", now) == 10s);
  CHECK(parse_retry_after("Sun, 06 Nov 1994 08:00:00 GMT", now) == 0s);
  CHECK(*parse_retry_after("99999999999999999999", now) > 24h);
  for (const auto* bad : {"", "soon", "-5", "1.5", "Sun, 99 Nov 1994"})
    CHECK_FALSE(parse_retry_after(bad, now));
}
