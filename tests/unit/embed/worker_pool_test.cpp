#include "embed/worker_pool.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <future>
#include <list>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "tests/support/catch.hpp"
#include "tests/support/result_printer.hpp"
#include "tests/unit/embed/image_samples.hpp"
#include "tests/unit/embed/tiny_model.hpp"

namespace {

using namespace catwalk;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using embed::lane;

std::string picture(int width = 90, int height = 70) {
  return embed::samples::jpeg(embed::samples::draw(width, height), width, height);
}

/// A loop, a pool on it, and what came of each image.
struct bench {
  explicit bench(embed::pool_options options = {}) {
    embed::samples::write_tiny_model(dir.path / "source");
    model = embed::import_model(dir.path / "models", {dir.path / "source", "tiny", false}).value();
    if (options.precision == "auto") options.precision = "fp32";
    pool = embed::make_worker_pool(loop.get_executor(), model, options).value();
  }

  struct call {
    std::optional<result<embedding>> outcome;
    asio::cancellation_signal signal;
  };
  call& encode(std::string bytes, std::string name = "picture", lane who = lane::bulk) {
    auto& c = calls.emplace_back();
    auto work = pool->encode(std::move(bytes), std::move(name), who);
    asio::co_spawn(
        loop, std::move(work),
        asio::bind_cancellation_slot(c.signal.slot(), [&c](std::exception_ptr failed, result<embedding> r) {
          if (failed) std::rethrow_exception(failed);
          c.outcome.emplace(std::move(r));
        }));
    return c;
  }

  embed::samples::scratch_folder dir;
  embed::stored_model model;
  asio::io_context loop;
  std::unique_ptr<embed::image_encoder> pool;
  std::list<call> calls;
};

errc code_of(const bench::call& c) {
  REQUIRE(c.outcome);
  REQUIRE_FALSE(*c.outcome);
  return c.outcome->error().code;
}

}  // namespace

TEST_CASE("worker pool: images become vectors of length 1, the same for the same image") {
  bench b;
  auto& first = b.encode(picture());
  auto& same = b.encode(picture());
  auto& other = b.encode(picture(200, 50));
  auto& query = b.encode(picture(), "query", lane::interactive);
  b.loop.run();
  for (const auto& c : b.calls) {
    REQUIRE(c.outcome);
    REQUIRE(*c.outcome);
    const auto& e = **c.outcome;
    REQUIRE(e.values.size() == 32);
    double length = 0;
    for (const float v : e.values) length += static_cast<double>(v) * static_cast<double>(v);
    CHECK(length == Approx(1).margin(1e-5));
    CHECK(e.fingerprint == b.model.info.fingerprint);
    CHECK(e.model == "tiny");
    CHECK(e.made.precision == "fp32");
    CHECK(e.made.decode == "exact");
    CHECK(e.made.device == "cpu");
    CHECK_FALSE(e.made.untrained);
  }
  const auto near = [](const bench::call& x, const bench::call& y) {
    double dot = 0;
    for (std::size_t i = 0; i < 32; ++i)
      dot += static_cast<double>((*x.outcome)->values[i]) * static_cast<double>((*y.outcome)->values[i]);
    return dot;
  };
  CHECK(near(first, same) == Approx(1).margin(1e-5));
  CHECK(near(first, query) == Approx(1).margin(1e-5));
  CHECK(near(first, other) < 0.999);
  b.pool->close();
  const auto stats = b.pool->stats();
  CHECK(stats.images_done == 4);
  CHECK(stats.images_failed == 0);
  CHECK(stats.queue_items == 0);
  CHECK(stats.queue_bytes == 0);
  CHECK(stats.batches >= 2);
  CHECK(stats.forward_seconds > 0);
}

TEST_CASE("worker pool: a damaged image fails alone") {
  bench b;
  const auto whole = picture();
  for (int i = 0; i < 6; ++i) b.encode(whole);
  const auto& cut = b.encode(whole.substr(0, whole.size() / 2), "https://shop.example/cut.jpg");
  const auto& page = b.encode("<html><body>gone</body></html>", "https://shop.example/page.jpg");
  const auto& nothing = b.encode("", "empty", lane::interactive);
  for (int i = 0; i < 6; ++i) b.encode(whole);
  b.loop.run();
  CHECK(code_of(cut) == errc::broken_image);
  CHECK(cut.outcome->error().on == "https://shop.example/cut.jpg");
  CHECK(code_of(page) == errc::not_an_image);
  CHECK(code_of(nothing) == errc::not_an_image);
  CHECK(std::count_if(b.calls.begin(), b.calls.end(), [](const auto& c) { return c.outcome->has_value(); }) ==
        12);
  b.pool->close();
  CHECK(b.pool->stats().images_done == 12);
  CHECK(b.pool->stats().images_failed == 3);
}

TEST_CASE("worker pool: bulk waits for room and loses nothing") {
  embed::pool_options options;
  options.queue_items = 2;
  options.batch = 4;
  options.batch_wait = 1ms;
  bench b(options);
  for (int i = 0; i < 60; ++i) b.encode(picture(40 + i, 64));
  b.loop.run();
  for (const auto& c : b.calls) CHECK((c.outcome && *c.outcome));
  b.pool->close();
  CHECK(b.pool->stats().images_done == 60);
}

TEST_CASE("worker pool: a cancelled caller leaves at once, wherever its image is") {
  embed::pool_options options;
  options.queue_items = 1;
  options.batch = 2;
  options.batch_wait = 1h;  // what is not a full batch waits until the end
  options.threads = 1;
  bench b(options);
  // Fills the batcher to its capacity but for one image, which keeps a partial batch waiting for ever.
  auto& waiting = b.encode(picture());
  b.loop.run_for(300ms);
  REQUIRE_FALSE(waiting.outcome);
  waiting.signal.emit(asio::cancellation_type::terminal);
  b.loop.run_for(2s);
  CHECK(code_of(waiting) == errc::cancelled);

  // The cancelled image is gone: the next one does not complete a batch with it, the one after that does.
  auto& second = b.encode(picture());
  b.loop.restart();
  b.loop.run_for(300ms);
  CHECK_FALSE(second.outcome);
  auto& third = b.encode(picture());
  b.loop.restart();
  b.loop.run();
  CHECK((second.outcome && *second.outcome));
  CHECK((third.outcome && *third.outcome));
  b.pool->close();
  CHECK(b.pool->stats().images_done == 2);
  CHECK(b.pool->stats().images_failed == 0);
}

TEST_CASE("worker pool: callers cancelled while they wait for room") {
  embed::pool_options options;
  options.queue_items = 1;
  options.batch = 1;
  bench b(options);
  const auto large = picture(3000, 2000);
  for (int i = 0; i < 30; ++i) b.encode(large);
  asio::steady_timer later(b.loop, 5ms);
  later.async_wait([&](auto) {
    for (auto& c : b.calls) c.signal.emit(asio::cancellation_type::terminal);
  });
  b.loop.run();
  for (const auto& c : b.calls) {
    REQUIRE(c.outcome);
    if (!*c.outcome) CHECK(c.outcome->error().code == errc::cancelled);
  }
  b.pool->close();
  CHECK(b.pool->stats().images_done + b.pool->stats().images_failed < 30);
}

TEST_CASE("worker pool: close while full finishes what was accepted and refuses the rest") {
  embed::pool_options options;
  options.queue_items = 3;
  options.batch = 8;
  options.batch_wait = 1h;
  bench b(options);
  for (int i = 0; i < 80; ++i) b.encode(picture(600, 400));
  auto closed = std::async(std::launch::async, [&] {
    while (b.pool->stats().queue_items < options.queue_items) std::this_thread::yield();
    b.pool->close();
  });
  b.loop.run();
  closed.get();
  std::size_t done = 0, refused = 0;
  for (const auto& c : b.calls) {
    REQUIRE(c.outcome);
    if (*c.outcome) {
      ++done;
    } else {
      CHECK(c.outcome->error().code == errc::cancelled);
      ++refused;
    }
  }
  CHECK(done + refused == 80);
  CHECK(done >= 1);
  CHECK(done == b.pool->stats().images_done);
  auto& late = b.encode(picture());
  b.loop.restart();
  b.loop.run();
  CHECK(code_of(late) == errc::cancelled);
}

/// Name and niceness of each thread of this process.
std::multimap<std::string, int> threads_and_niceness() {
  std::multimap<std::string, int> found;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream file(thread.path() / "stat");
    const std::string stat{std::istreambuf_iterator(file), {}};
    const auto open = stat.find('('), close = stat.rfind(')');
    std::istringstream fields(stat.substr(close + 1));
    std::string field;
    constexpr int nice_after_name = 17;
    for (int i = 0; i < nice_after_name; ++i) fields >> field;
    found.emplace(stat.substr(open + 1, close - open - 1), std::stoi(field));
  }
  return found;
}

TEST_CASE("worker pool: bulk work lets queries go first on the cores") {
  embed::pool_options options;
  options.threads = 2;
  const bench b(options);
  const int own = ::getpriority(PRIO_PROCESS, 0);
  const auto nicer = std::min(own + 5, 19);
  for (const auto& [name, expected] : {std::pair{"embed-decode", nicer},
                                       {"embed-forward", nicer},
                                       {"embed-query", own},
                                       {"embed-answer", own}}) {
    CAPTURE(name);
    std::vector<int> found;
    // A thread lowers itself first of all, but after it was started.
    for (int tries = 0; tries < 200; ++tries) {
      found.clear();
      const auto threads = threads_and_niceness();
      for (auto [at, end] = threads.equal_range(name); at != end; ++at) found.push_back(at->second);
      if (!found.empty() && std::all_of(found.begin(), found.end(), [&](int n) { return n == expected; }))
        break;
      std::this_thread::sleep_for(10ms);
    }
    CHECK(!found.empty());
    CHECK(std::all_of(found.begin(), found.end(), [&](int n) { return n == expected; }));
  }
}

TEST_CASE("worker pool: a query is refused when too many wait, bulk is not") {
  embed::pool_options options;
  options.queue_items = 1;
  bench b(options);
  const auto large = picture(2000, 2000);
  for (int i = 0; i < 40; ++i) b.encode(large, "query", lane::interactive);
  b.loop.run();
  std::size_t refused = 0;
  for (const auto& c : b.calls)
    if (!*c.outcome) {
      CHECK(c.outcome->error().code == errc::queue_full);
      ++refused;
    }
  CHECK(refused > 0);
  CHECK(refused < 40);
}

TEST_CASE("worker pool: the loop may end before the pool") {
  embed::samples::scratch_folder dir;
  embed::samples::write_tiny_model(dir.path / "source");
  const auto model = embed::import_model(dir.path / "models", {dir.path / "source", "tiny", false}).value();
  asio::io_context loop;
  auto pool = embed::make_worker_pool(loop.get_executor(), model, {}).value();
  auto work = pool->encode(picture(1500, 1500), "left behind", lane::bulk);
  asio::co_spawn(loop, std::move(work), [](std::exception_ptr, result<embedding>) {});
  loop.run_for(2ms);
  pool->close();
}

TEST_CASE("worker pool: decode fast says of which pictures it made use") {
  embed::pool_options options;
  options.decode = "fast";
  bench b(options);
  // The tiny model takes 64 pixels: 1/2 leaves 100 of 200 and 90 of 180, and 96 are needed.
  auto& large = b.encode(picture(200, 300));
  auto& small = b.encode(picture(180, 300));
  auto work = b.pool->encode_view(picture(200, 300), "cut", lane::interactive, {.crop = {{0, 0, 200, 300}}});
  std::optional<result<embedding>> cut;
  asio::co_spawn(b.loop, std::move(work),
                 [&](std::exception_ptr, result<embedding> r) { cut.emplace(std::move(r)); });
  b.loop.run();
  b.pool->close();
  CHECK(large.outcome->value().made.decode == "fast");
  CHECK(small.outcome->value().made.decode == "exact");
  CHECK(cut->value().made.decode == "exact");
}

TEST_CASE("worker pool: what is left to auto is measured once, kept, and taken from there") {
  const embed::samples::scratch_folder state;
  const auto file = state.path / "measured.json";
  embed::pool_options options;
  options.batch.reset();
  options.measurements = file;
  options.batch_wait = 1h;
  bench(options).pool->close();
  CHECK_FALSE(std::filesystem::exists(file));

  options.measure = true;
  bench(options).pool->close();
  auto kept = nlohmann::json::parse(std::ifstream(file));
  REQUIRE(kept.size() == 1);
  const auto key = kept.begin().key();
  CHECK_THAT(key, Catch::Contains("torch 2.") && Catch::Contains("fp32"));

  kept[key] = {{"workers", 1}, {"intra_op", 1}, {"batch", 3}};
  std::ofstream(file) << kept;
  bench b(options);
  for (int i = 0; i < 6; ++i) b.encode(picture());
  b.loop.run();
  b.pool->close();
  CHECK(b.pool->stats().images_done == 6);
  CHECK(b.pool->stats().batches == 2);
  CHECK(nlohmann::json::parse(std::ifstream(file)) == kept);

  // What is given is given.
  options.batch = 2;
  options.threads = 1;
  bench given(options);
  for (int i = 0; i < 6; ++i) given.encode(picture());
  given.loop.run();
  given.pool->close();
  CHECK(given.pool->stats().batches == 3);
  CHECK(nlohmann::json::parse(std::ifstream(file)) == kept);
}

TEST_CASE("worker pool: what it cannot do is refused by name") {
  embed::samples::scratch_folder dir;
  embed::samples::write_tiny_model(dir.path / "source");
  auto model = embed::import_model(dir.path / "models", {dir.path / "source", "tiny", false}).value();
  asio::io_context loop;
  const auto refused = [&](auto change) {
    embed::pool_options options;
    change(options);
    const auto pool = embed::make_worker_pool(loop.get_executor(), model, options);
    REQUIRE_FALSE(pool);
    CHECK_FALSE(pool.error().hint.empty());
    return pool.error();
  };
  CHECK_THAT(refused([](auto& o) { o.device = "cpu", o.precision = "fp16"; }).to_string(),
             Catch::Contains("CUDA"));
  CHECK(refused([](auto& o) { o.precision = "fp8"; }).code == errc::invalid_config);
  CHECK(refused([](auto& o) { o.device = "tpu"; }).code == errc::invalid_config);
  CHECK(refused([](auto& o) { o.device = "cuda:x"; }).code == errc::invalid_config);
  CHECK(refused([](auto& o) { o.device = "cuda:99"; }).code == errc::device);
  CHECK(refused([](auto& o) { o.decode = "loose"; }).code == errc::invalid_config);
  CHECK(refused([](auto& o) { o.batch = 0; }).code == errc::invalid_config);
  CHECK(refused([](auto& o) { o.threads = 0; }).code == errc::invalid_config);
  std::filesystem::remove(model.dir / "weights.safetensors");
  CHECK(refused([](auto&) {}).code == errc::model_missing);
}
