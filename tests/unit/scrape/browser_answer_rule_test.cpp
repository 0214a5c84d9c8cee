#include "scrape/browser_answer_rule.hpp"

#include "tests/support/catch.hpp"

using namespace catwalk;
using boost::asio::ip::make_address;
using boost::asio::ip::tcp;
using scrape::browser_answer;
using scrape::refusal_of;

namespace {

const address_guard on(true, {});
const std::optional<tcp::endpoint> none;
const std::optional<tcp::endpoint> proxy(tcp::endpoint(make_address("127.0.0.1"), 4000));

browser_answer from(std::string address, std::uint16_t port = 80) {
  return {std::move(address), port};
}

}  // namespace

TEST_CASE("without the guard proxy an answer counts by the address that it came from") {
  CHECK_FALSE(refusal_of(from("93.184.216.34"), on, none));
  CHECK_FALSE(refusal_of(from("[2606:2800:220:1::1]"), on, none));
  CHECK(refusal_of(from("10.0.0.1"), on, none) ==
        "the browser was answered by 10.0.0.1, which is private, 10.0.0.0/8");
  CHECK(refusal_of(from("[::ffff:10.0.0.1]"), on, none));
  CHECK(refusal_of(from("127.0.0.1", 4000), on, none));
  CHECK(refusal_of(from("unix:/run/x"), on, none));
}

TEST_CASE("with the guard proxy in between an answer from elsewhere went around it") {
  CHECK_FALSE(refusal_of(from("127.0.0.1", 4000), on, proxy));
  for (const auto& answer : {from("127.0.0.1", 4001), from("10.0.0.1", 4000), from("93.184.216.34", 443)})
    CHECK(refusal_of(answer, on, proxy)->ends_with("past catwalk's guard"));
}

TEST_CASE("what came from nowhere, from a cache or by the site's proxy is not judged") {
  for (const auto& through : {none, proxy}) {
    CHECK_FALSE(refusal_of(from(""), on, through));
    CHECK_FALSE(refusal_of({"10.0.0.1", 80, true, false}, on, through));
    CHECK_FALSE(refusal_of({"10.0.0.1", 3128, false, true}, on, through));
  }
}
