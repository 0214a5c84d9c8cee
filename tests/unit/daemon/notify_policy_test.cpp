#include "daemon/notify_policy.hpp"

#include "daemon/webhook_signature.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/result_printer.hpp"

using namespace catwalk;
using namespace catwalk::daemon;
using namespace std::chrono_literals;
using verdict = notify_policy::verdict;

TEST_CASE("a receiver that fails is tried again, ever more seldom, until it takes the event") {
  notify_policy policy({1s, 60s, 5, 1});
  steady_time now{};
  auto least = 500ms;
  for (int i = 0; i < 200; ++i) {
    CHECK((i % 3 == 0 ? policy.on_silence(now) : policy.on_answer(i % 3 == 1 ? 500 : 401, {}, now)) ==
          verdict::again);
    CHECK(policy.not_before() - now >= least);
    CHECK(policy.not_before() - now <= 60s);
    least = std::min<std::chrono::milliseconds>(least * 2, 30s);
    now = policy.not_before();
  }
  CHECK(policy.failures_in_a_row() == 200);
  CHECK(policy.on_answer(204, {}, now) == verdict::told);
  CHECK(policy.not_before() == now);
  CHECK(policy.failures_in_a_row() == 0);
  policy.on_silence(now);
  CHECK(policy.not_before() - now <= 1s);
}

TEST_CASE("the receiver's own word on when to come again is kept, within limits") {
  notify_policy policy({1s, 60s, 5, 1});
  const steady_time now{};
  CHECK(policy.on_answer(429, 7s, now) == verdict::again);
  CHECK(policy.not_before() - now == 7s);
  CHECK(policy.on_answer(503, 1h, now) == verdict::again);
  CHECK(policy.not_before() - now == 60s);
  CHECK(policy.on_answer(503, 0s, now) == verdict::again);
  CHECK(policy.not_before() - now >= 500ms);
}

TEST_CASE("an event that is refused for itself is set aside in the end, and 410 ends it all") {
  notify_policy policy({1s, 60s, 5, 1});
  const steady_time now{};
  for (int i = 0; i < 4; ++i) CHECK(policy.on_answer(i % 2 == 0 ? 422 : 400, {}, now) == verdict::again);
  CHECK(policy.on_silence(now) == verdict::again);
  CHECK(policy.on_answer(413, {}, now) == verdict::set_aside);
  CHECK(policy.on_answer(400, {}, now) == verdict::again);
  CHECK(policy.on_answer(410, {}, now) == verdict::stopped);
}

TEST_CASE("a message is signed as Standard Webhooks has it") {
  const auto key = webhook_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  REQUIRE(key);
  // The example of Svix's documentation.
  const auto headers = webhook_headers(*key, "msg_p5jXN8AQM9LWM0D4loKWxJek", from_millis(1'614'265'330'900),
                                       R"({"test": 2432232314})");
  CHECK(headers.find("webhook-id") == "msg_p5jXN8AQM9LWM0D4loKWxJek");
  CHECK(headers.find("webhook-timestamp") == "1614265330");
  CHECK(headers.find("webhook-signature") == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  CHECK(*webhook_key("plain") == "plain");
  for (const char* damaged : {"whsec_", "whsec_%%%"}) {
    const auto refused = webhook_key(damaged);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().to_string().find("%%%") == std::string::npos);
  }
}
