#include "embed/remote_retry.hpp"

#include "embed/remote_answer.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/result_printer.hpp"

using namespace catwalk;
using namespace catwalk::embed;
using namespace std::chrono_literals;

namespace {

error answered(int status) {
  error e;
  e.code = errc::remote_encoder;
  e.http_status = status;
  return e;
}

error of(errc code) {
  error e;
  e.code = code;
  return e;
}

remote_retry retry() {
  return remote_retry({.attempts = 4, .first_wait = 1s, .longest_wait = 3s, .seed = 1});
}

}  // namespace

TEST_CASE("what may pass is asked again, twice as long each time, and given up in the end") {
  auto r = retry();
  for (const auto& [attempt, least, most] :
       {std::tuple(1, 1000ms, 1250ms), std::tuple(2, 2000ms, 2500ms), std::tuple(3, 3000ms, 3750ms)}) {
    const auto wait = r.wait(answered(503), attempt, {});
    REQUIRE(wait);
    CHECK(*wait >= least);
    CHECK(*wait <= most);
  }
  CHECK_FALSE(r.wait(answered(503), 4, {}));
}

TEST_CASE("only what may pass is asked again") {
  auto r = retry();
  for (const int status : {408, 425, 429, 500, 502, 503, 504}) CHECK(r.wait(answered(status), 1, {}));
  for (const int status : {301, 400, 401, 403, 404, 413, 415, 422})
    CHECK_FALSE(r.wait(answered(status), 1, {}));
  CHECK(r.wait(of(errc::network), 1, {}));
  CHECK(r.wait(of(errc::timeout), 1, {}));
  for (const auto code : {errc::cancelled, errc::model_mismatch, errc::remote_encoder, errc::too_large})
    CHECK_FALSE(r.wait(of(code), 1, {}));
}

TEST_CASE("the service's own word on when to come back counts, within reason") {
  auto r = retry();
  CHECK(r.wait(answered(429), 1, 2s) == 2000ms);
  CHECK(r.wait(answered(429), 1, 0s) == 0ms);
  CHECK_FALSE(r.wait(answered(429), 1, 3600s));
}

TEST_CASE("after some failures in a row the first encoder is spared, and tried by one picture at a time") {
  fallback_policy policy({.failures = 3, .pause = 60s});
  const fallback_policy::time start{};
  CHECK(policy.ask_first(start));
  CHECK_FALSE(policy.first_failed(start));
  CHECK_FALSE(policy.first_failed(start));
  CHECK(policy.ask_first(start));
  CHECK(policy.first_failed(start));
  CHECK_FALSE(policy.first_failed(start));  // one that was under way: it is known already
  CHECK_FALSE(policy.ask_first(start + 59s));
  CHECK(policy.ask_first(start + 60s));
  CHECK_FALSE(policy.ask_first(start + 61s));
  CHECK_FALSE(policy.first_failed(start + 62s));
  CHECK_FALSE(policy.ask_first(start + 121s));
  CHECK(policy.ask_first(start + 122s));
  policy.first_answered();
  CHECK(policy.ask_first(start + 122s));
  CHECK_FALSE(policy.first_failed(start + 122s));
}

TEST_CASE("a picture's own fault is nobody's failure") {
  for (const auto code : {errc::not_an_image, errc::broken_image, errc::unsupported_image, errc::too_large,
                          errc::cancelled, errc::queue_full, errc::invalid_argument})
    CHECK_FALSE(fallback_policy::of_encoder(code));
  for (const auto code :
       {errc::remote_encoder, errc::network, errc::timeout, errc::device, errc::model_mismatch})
    CHECK(fallback_policy::of_encoder(code));
}

TEST_CASE("the contract's request and answer") {
  CHECK(remote_request_by_address("https://x.example/a?b=\"1\"") ==
        R"({"image":"https://x.example/a?b=\"1\"","type":"url"})");
  CHECK(remote_request_by_bytes("fooba", {}) == R"({"exif":false,"image":"Zm9vYmE=","type":"base64"})");
  CHECK(remote_request_by_bytes("foob", {true, crop_box{1, 2, 3, 4}}) ==
        R"({"crop":[1,2,3,4],"exif":true,"image":"Zm9vYg==","type":"base64"})");
  const auto read = read_remote_answer(R"({"embedding": [1, -0.5, 2e-3]})", 3, "s");
  REQUIRE(read);
  CHECK(*read == std::vector<float>{1, -0.5F, 2e-3F});
  CHECK(read_remote_answer(R"({"embedding": [1]})", 0, "s"));
  for (const auto* wrong :
       {"", "[]", "{}", R"({"embedding": []})", R"({"embedding": "x"})", R"({"embedding": [null]})",
        R"({"embedding": [0, 0]})", R"({"embedding": [1e300]})", R"({"error": "busy"})"})
    CHECK(read_remote_answer(wrong, 0, "s").error().code == errc::remote_encoder);
  const auto wide = read_remote_answer(R"({"embedding": [1, 2]})", 512, "https://service.example");
  CHECK(wide.error().code == errc::model_mismatch);
  CHECK(wide.error().to_string().find("https://service.example") != std::string::npos);
  CHECK(wide.error().why == "its vectors have 2 numbers, 512 are expected");
}
