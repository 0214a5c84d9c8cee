#include "daemon/http_router.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/beast/http/field.hpp>

#include "tests/support/catch.hpp"

namespace asio = boost::asio;
namespace http = boost::beast::http;
using namespace catwalk::daemon;
using need = access_policy::need;

namespace {

const access_policy policy({"127.0.0.1:9817", {}, "the-token"});

http_server_request request(http::verb method, const char* target) {
  http_server_request r;
  r.method(method);
  r.target(target);
  r.version(11);
  r.set(http::field::host, "localhost");
  r.set(http::field::authorization, "Bearer the-token");
  return r;
}

/// Answers with the values that stood in the path.
auto echo() {
  return [](const http_server_request&, const path_values& values) -> asio::awaitable<http_reply> {
    std::string text;
    for (const auto& [name, value] : values) text += name + "=" + value + ";";
    co_return text_reply(200, text);
  };
}

http_router make_router() {
  http_router router(policy);
  router.add({http::verb::get, "/open", need::nothing, 0, echo(), {}});
  router.add({http::verb::get, "/runs/{id}", need::token, 0, echo(), {}});
  router.add({http::verb::post, "/runs/{id}/cancel", need::token, 100, echo(), {}});
  router.add({http::verb::post, "/runs/{id}", need::token, 10, echo(), {}});
  router.add({http::verb::post, "/limited", need::token, 7, echo(),
              [](const http_request_head& head, const http_peer&) -> std::optional<http_reply> {
                if (head.target() == "/limited?yes") return std::nullopt;
                return text_reply(429, "");
              }});
  return router;
}

std::string answered(const http_router& router, const http_server_request& r) {
  asio::io_context loop;
  auto reply = asio::co_spawn(loop, router.answer(r), asio::use_future);
  loop.run();
  return reply.get().body;
}

}  // namespace

TEST_CASE("a route is found by method and path, and its values are decoded") {
  const auto router = make_router();
  CHECK(answered(router, request(http::verb::get, "/runs/17?x=1")) == "id=17;");
  CHECK(answered(router, request(http::verb::get, "/runs/a%20b%2Fc")) == "id=a b/c;");
  CHECK(answered(router, request(http::verb::head, "/runs/17")) == "id=17;");
  CHECK(router.admit(request(http::verb::post, "/runs/17/cancel"), {}).max_body == 100);
}

TEST_CASE("a path that is named in full is no value of another's") {
  auto router = make_router();
  router.add({http::verb::post, "/runs/retry", need::token, 0, echo(), {}});
  CHECK(answered(router, request(http::verb::post, "/runs/retry")).empty());
  const auto refused = router.admit(request(http::verb::get, "/runs/retry"), {}).refusal;
  REQUIRE(refused);
  CHECK(refused->status == 405);
  CHECK(answered(router, request(http::verb::get, "/runs/{id}")) == "id={id};");
}

TEST_CASE("what is not there is 404, another method 405 with the right ones") {
  const auto router = make_router();
  const auto refused = [&](http::verb method, const char* target) {
    return router.admit(request(method, target), {}).refusal.value();
  };
  for (const auto* target : {"/", "/runs", "/runs/", "/runs/1/2", "/open/", "open", "/runs/1/cancel/x", ""})
    CHECK(refused(http::verb::get, target).status == 404);
  const auto wrong = refused(http::verb::delete_, "/runs/1");
  CHECK(wrong.status == 405);
  CHECK(wrong.headers.front().second == "GET, HEAD, POST");
}

TEST_CASE("who may not ask is refused on the headers alone") {
  const auto router = make_router();
  auto r = request(http::verb::get, "/runs/1");
  CHECK_FALSE(router.admit(r, {}).refusal);
  r.erase(http::field::authorization);
  CHECK(router.admit(r, {}).refusal->status == 401);
  CHECK_FALSE(router.admit(r, {true, ""}).refusal);
  r.target("/open");
  CHECK_FALSE(router.admit(r, {}).refusal);
  r.set(http::field::host, "evil.example");
  CHECK(router.admit(r, {}).refusal->status == 421);
  r.target("/nothing");
  CHECK(router.admit(r, {}).refusal->status == 421);
}

TEST_CASE("a route may let some in without the token, but never for an unknown Host") {
  const auto router = make_router();
  auto r = request(http::verb::post, "/limited?yes");
  r.erase(http::field::authorization);
  CHECK_FALSE(router.admit(r, {}).refusal);
  r.target("/limited");
  CHECK(router.admit(r, {}).refusal->status == 429);
  r.target("/limited?yes");
  r.set(http::field::host, "evil.example");
  CHECK(router.admit(r, {}).refusal->status == 421);
}

TEST_CASE("query values are decoded") {
  const auto r = request(http::verb::get, "/x?a=1&bc=x%26y+z&bc=2&empty=&flag");
  CHECK(query_value(r, "a") == "1");
  CHECK(query_value(r, "bc") == "x&y z");
  CHECK(query_value(r, "empty") == "");
  CHECK(query_value(r, "flag") == "");
  CHECK_FALSE(query_value(r, "b"));
}
