#include "embed/remote_encoder.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_future.hpp>
#include <nlohmann/json.hpp>

#include "core/clock.hpp"
#include "core/task_group.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/loopback_server.hpp"
#include "tests/support/result_printer.hpp"

namespace asio = boost::asio;
using namespace catwalk;
using namespace catwalk::embed;
using namespace std::chrono_literals;
using catwalk::testing::loopback_server;

namespace {

remote_options options_for(const loopback_server& server) {
  remote_options o;
  o.url = server.at("/embed");
  o.timeout = 2s;
  o.dim = 3;
  o.retry = {.attempts = 3, .first_wait = 5ms, .longest_wait = 50ms, .seed = 1};
  return o;
}

loopback_server::reply vector_reply(const std::string& numbers = "[3, 0, 4]") {
  loopback_server::reply r;
  r.body = R"({"embedding": )" + numbers + "}";
  return r;
}

loopback_server::reply status_reply(int status, const std::string& body = "") {
  loopback_server::reply r;
  r.status = status;
  r.body = body;
  return r;
}

result<embedding> encode(const remote_options& options,
                         const std::string& name = "https://shop.example/a.jpg",
                         const picture_view& view = {}) {
  asio::io_context loop;
  const auto encoder = make_remote_encoder(loop.get_executor(), loop.get_executor(), options);
  auto answer = asio::co_spawn(loop, encoder->encode_view("bytes", name, lane::bulk, view), asio::use_future);
  loop.run();
  return answer.get();
}

}  // namespace

TEST_CASE("the predecessor's contract: an address goes out, a vector of length 1 comes back") {
  loopback_server server([](const auto&) { return vector_reply(); });
  auto options = options_for(server);
  options.token = "canary";
  const auto vector = encode(options);
  REQUIRE(vector);
  CHECK(vector->values == std::vector<float>{0.6F, 0, 0.8F});
  CHECK(vector->fingerprint == "remote:" + options.url + "#clip-vit-b-32");
  CHECK(vector->made.device == "remote");
  const auto seen = server.requests();
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].method == "POST");
  CHECK(nlohmann::json::parse(seen[0].body) ==
        nlohmann::json{{"image", "https://shop.example/a.jpg"}, {"type", "url"}});
  CHECK(seen[0].header("authorization") == "Bearer canary");
  CHECK(seen[0].header("content-type") == "application/json");
}

TEST_CASE("a layout that keeps lengths keeps them") {
  loopback_server server([](const auto&) { return vector_reply(); });
  auto options = options_for(server);
  options.normalise = false;
  CHECK(encode(options)->values == std::vector<float>{3, 0, 4});
}

TEST_CASE("the key in an address is no part of the provenance") {
  loopback_server server([](const auto&) { return vector_reply(); });
  auto options = options_for(server);
  options.url += "?key=canary";
  const auto vector = encode(options);
  REQUIRE(vector);
  CHECK(vector->fingerprint.find("canary") == std::string::npos);
}

TEST_CASE("a file's bytes are sent, and so are those of a picture that the service cannot get") {
  loopback_server server([](const loopback_server::request& r) {
    return nlohmann::json::parse(r.body)["type"] == "url" ? status_reply(422, "cannot fetch")
                                                          : vector_reply();
  });
  REQUIRE(encode(options_for(server), "folder/a.jpg"));
  REQUIRE(encode(options_for(server)));
  REQUIRE(encode(options_for(server), "https://shop.example/a.jpg", {true, crop_box{1, 2, 3, 4}}));
  const auto seen = server.requests();
  REQUIRE(seen.size() == 4);
  CHECK(nlohmann::json::parse(seen[0].body)["image"] == "Ynl0ZXM=");
  CHECK(nlohmann::json::parse(seen[0].body)["exif"] == false);
  CHECK(nlohmann::json::parse(seen[1].body)["type"] == "url");
  CHECK(nlohmann::json::parse(seen[2].body)["type"] == "base64");
  CHECK(nlohmann::json::parse(seen[3].body)["crop"] == std::vector<int>{1, 2, 3, 4});
}

TEST_CASE("what may pass is asked again") {
  int asked = 0;
  loopback_server server([&](const auto&) { return ++asked < 3 ? status_reply(503) : vector_reply(); });
  CHECK(encode(options_for(server)));
  CHECK(asked == 3);
  asked = -10;
  const auto failed = encode(options_for(server));
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == errc::remote_encoder);
  CHECK(failed.error().http_status == 503);
  CHECK(asked == -7);
}

TEST_CASE("answers that break off, are slow, or are no answers are errors with the service's address") {
  auto r = vector_reply();
  auto expected = errc::remote_encoder;
  SECTION("cut") {
    r.announced = 1000;
    r.close = true;
    expected = errc::network;
  }
  SECTION("slow") {
    r.delay = 400ms;
    expected = errc::timeout;
  }
  SECTION("no JSON") {
    r.body = "<html>cold start</html>";
  }
  SECTION("wrong width") {
    r = vector_reply("[1, 2]");
    expected = errc::model_mismatch;
  }
  SECTION("unauthorised") {
    r = status_reply(401, "who are you");
  }
  SECTION("moved") {
    r = status_reply(302);
    r.headers.emplace_back("Location", "http://127.0.0.1:1/");
  }
  loopback_server server([&](const auto&) { return r; });
  auto options = options_for(server);
  options.timeout = 200ms;
  const auto failed = encode(options, "folder/a.jpg");
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == expected);
  CHECK(failed.error().to_string().find(server.endpoint()) != std::string::npos);
}

TEST_CASE("an unknown width is that of the first answer, from then on") {
  std::string numbers = "[1, 2, 3, 4]";
  loopback_server server([&](const auto&) { return vector_reply(numbers); });
  auto options = options_for(server);
  options.dim = 0;
  asio::io_context loop;
  const auto encoder = make_remote_encoder(loop.get_executor(), loop.get_executor(), options);
  CHECK(encoder->model().dim == 0);
  auto first = asio::co_spawn(loop, encoder->encode("b", "f", lane::bulk), asio::use_future);
  loop.run();
  CHECK(first.get());
  CHECK(encoder->model().dim == 4);
  numbers = "[1]";
  loop.restart();
  auto second = asio::co_spawn(loop, encoder->encode("b", "f", lane::bulk), asio::use_future);
  loop.run();
  CHECK(second.get().error().code == errc::model_mismatch);
}

namespace {
asio::awaitable<void> ask_into(image_encoder& encoder, std::string name, lane who,
                               std::vector<std::string>& order) {
  const std::string shown = name;
  auto answer = co_await encoder.encode("bytes", std::move(name), who);
  order.push_back(answer ? shown : shown + " failed");
}
}  // namespace

TEST_CASE("no more requests than permitted are in flight, and people go first") {
  loopback_server server([](const auto&) {
    auto r = vector_reply();
    r.delay = 50ms;
    return r;
  });
  auto options = options_for(server);
  options.concurrency = 1;
  options.waiting_queries = 1;
  asio::io_context loop;
  const auto encoder = make_remote_encoder(loop.get_executor(), loop.get_executor(), options);
  task_group tasks(loop.get_executor());
  std::vector<std::string> order;
  tasks.spawn("1", ask_into(*encoder, "b1", lane::bulk, order));
  tasks.spawn("2", ask_into(*encoder, "b2", lane::bulk, order));
  tasks.spawn("3", ask_into(*encoder, "b3", lane::bulk, order));
  tasks.spawn("4", ask_into(*encoder, "q1", lane::interactive, order));
  tasks.spawn("5", ask_into(*encoder, "q2", lane::interactive, order));
  loop.run();
  CHECK(order == std::vector<std::string>{"q2 failed", "b1", "q1", "b2", "b3"});
  CHECK(server.connections() == 1);
  CHECK(encoder->stats().queue_items == 0);
  CHECK(encoder->stats().queue_bytes == 0);
}

TEST_CASE("cancelled callers leave the line and give their place back") {
  loopback_server server([](const auto&) {
    auto r = vector_reply();
    r.delay = 5s;
    return r;
  });
  auto options = options_for(server);
  options.concurrency = 1;
  asio::io_context loop;
  const auto encoder = make_remote_encoder(loop.get_executor(), loop.get_executor(), options);
  std::vector<std::string> order;
  {
    task_group tasks(loop.get_executor());
    for (const auto* name : {"a", "b", "c"}) tasks.spawn(name, ask_into(*encoder, name, lane::bulk, order));
    asio::steady_timer later(loop, 50ms);
    later.async_wait([&](auto) { tasks.cancel(); });
    const auto begun = steady_now();
    loop.run();
    CHECK(steady_now() - begun < 2s);
    CHECK(tasks.size() == 0);
  }
  CHECK(encoder->stats().queue_items == 0);
}

TEST_CASE("the second encoder answers for what the first fails on, and not for a bad picture") {
  int first_asked = 0;
  loopback_server first([&](const auto&) {
    ++first_asked;
    return status_reply(500);
  });
  loopback_server second([](const auto&) { return vector_reply(); });
  auto a = options_for(first);
  a.retry.attempts = 1;
  std::vector<error> told;
  asio::io_context loop;
  const auto encoder = make_fallback_encoder(
      make_remote_encoder(loop.get_executor(), loop.get_executor(), a),
      make_remote_encoder(loop.get_executor(), loop.get_executor(), options_for(second)),
      [&](const error& e) { told.push_back(e); }, {.failures = 2, .pause = 1h});
  for (int i = 0; i < 5; ++i) {
    loop.restart();
    auto answer = asio::co_spawn(loop, encoder->encode("b", "f", lane::bulk), asio::use_future);
    loop.run();
    const auto vector = answer.get();
    REQUIRE(vector);
    CHECK(vector->fingerprint.find(second.endpoint()) != std::string::npos);
  }
  CHECK(first_asked == 2);
  REQUIRE(told.size() == 1);
  CHECK(told.front().http_status == 500);
  CHECK(encoder->model().fingerprint.find(first.endpoint()) != std::string::npos);
}

TEST_CASE("a picture is written into its request in the CPU pool, not on the loop") {
  loopback_server server([](const auto&) { return vector_reply(); });
  asio::io_context loop, cpu;
  const auto encoder = make_remote_encoder(loop.get_executor(), cpu.get_executor(), options_for(server));
  auto answer = asio::co_spawn(loop, encoder->encode("bytes", "a.jpg", lane::bulk), asio::use_future);
  loop.poll();
  CHECK(server.requests().empty());
  CHECK(cpu.run() > 0);
  loop.restart();
  loop.run();
  CHECK(answer.get().has_value());
  REQUIRE(server.requests().size() == 1);
  CHECK(nlohmann::json::parse(server.requests()[0].body)["type"] == "base64");
}
