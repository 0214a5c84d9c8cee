#include "embed/model_download.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <fstream>
#include <iterator>
#include <mutex>

#include "core/sha256.hpp"
#include "embed/download_retry.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/loopback_server.hpp"
#include "tests/support/result_printer.hpp"
#include "tests/unit/embed/tiny_model.hpp"

namespace {

using namespace catwalk;
using namespace std::chrono_literals;
namespace asio = boost::asio;
namespace fs = std::filesystem;
using server = testing::loopback_server;

std::string content() {
  std::string text;
  for (int i = 0; text.size() < 300'000; ++i) text += std::to_string(i * 7919) + ",";
  return text;
}

/// A file server that knows ranges. `cut(n)`: how many bytes the n-th GET sends before the connection drops.
struct file_server {
  explicit file_server(
      std::string bytes,
      std::function<std::optional<std::size_t>(int)> cut = [](int) { return std::nullopt; })
      : body(std::move(bytes)), cut_after(std::move(cut)) {}

  server::reply answer(const server::request& r) {
    server::reply out;
    if (r.method == "HEAD") {
      out.announced = body.size();
      return out;
    }
    const int number = ++gets;
    std::size_t from = 0;
    if (const auto range = r.header("range"); range && ranges) {
      from = std::stoull(range->substr(6));
      if (from >= body.size()) {
        out.status = 416;
        return out;
      }
      out.status = 206;
      out.headers.emplace_back("Content-Range", "bytes " + std::to_string(from) + "-" +
                                                    std::to_string(body.size() - 1) + "/" +
                                                    std::to_string(body.size()));
    }
    out.body = body.substr(from);
    if (const auto n = cut_after(number)) {
      out.announced = out.body.size();
      out.body.resize(std::min(out.body.size(), *n));
      out.close = true;
    }
    return out;
  }

  std::string body;
  std::function<std::optional<std::size_t>(int)> cut_after;
  bool ranges = true;
  std::atomic<int> gets{0};
  server http{[this](const server::request& r) { return answer(r); }};
};

struct puller {
  puller() {
    http_client_options o;
    o.name = "models";
    o.guard_addresses = false;
    client.emplace(loop.get_executor(), o);
  }
  result<fs::path> pull(const std::string& url, const std::string& sha256,
                        embed::download_options options = {}) {
    options.first_pause = 5ms;
    std::optional<result<fs::path>> outcome;
    auto work = embed::download_model(*client, {"m", url, sha256}, dir.path / "models", std::move(options));
    asio::co_spawn(
        loop, std::move(work),
        asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr failed, result<fs::path> r) {
          if (failed) std::rethrow_exception(failed);
          outcome.emplace(std::move(r));
        }));
    loop.restart();
    loop.run();
    REQUIRE(outcome);
    return std::move(*outcome);
  }
  embed::samples::scratch_folder dir;
  asio::io_context loop;
  std::optional<http_client> client;
  asio::cancellation_signal stop;
};

std::string read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("download: a file arrives whole, checked, with progress to the end") {
  file_server files(content());
  puller p;
  std::uint64_t done = 0, total = 0;
  embed::download_options options;
  options.on_progress = [&](std::uint64_t d, std::uint64_t t) {
    CHECK(d >= done);
    done = d;
    total = t;
  };
  const auto file = p.pull(files.http.at("/m.pt"), sha256_hex(files.body), options);
  REQUIRE(file);
  CHECK(read(*file) == files.body);
  CHECK(done == files.body.size());
  CHECK(total == files.body.size());
}

TEST_CASE("download: breaks are resumed where they happened") {
  file_server files(content(),
                    [](int n) { return n <= 7 ? std::optional<std::size_t>(40'000) : std::nullopt; });
  puller p;
  const auto file = p.pull(files.http.at("/m.pt"), sha256_hex(files.body));
  REQUIRE(file);
  CHECK(read(*file) == files.body);
  CHECK(files.gets == 8);
  std::size_t with_range = 0;
  for (const auto& r : files.http.requests()) with_range += r.header("range") ? 1 : 0;
  CHECK(with_range == 7);
}

TEST_CASE("download: five breaks without progress end it, the next run goes on") {
  file_server files(content(), [](int n) { return std::optional<std::size_t>(n == 1 ? 100'000 : 0); });
  puller p;
  const auto hash = sha256_hex(files.body);
  const auto broken = p.pull(files.http.at("/m.pt"), hash);
  REQUIRE_FALSE(broken);
  CHECK(broken.error().code == errc::network);
  CHECK_THAT(broken.error().hint, Catch::Contains("where it stopped"));
  CHECK(files.gets == 5);
  files.cut_after = [](int) { return std::nullopt; };
  const auto file = p.pull(files.http.at("/m.pt"), hash);
  REQUIRE(file);
  CHECK(read(*file) == files.body);
  CHECK(files.http.requests().back().header("range") == "bytes=100000-");
}

TEST_CASE("download: a server without ranges, or with another file, is read from the start") {
  file_server files(content(),
                    [](int n) { return n == 1 ? std::optional<std::size_t>(50'000) : std::nullopt; });
  files.ranges = false;
  puller p;
  const auto file = p.pull(files.http.at("/m.pt"), sha256_hex(files.body));
  REQUIRE(file);
  CHECK(read(*file) == files.body);

  file_server shorter("short");
  puller q;
  const auto hash = sha256_hex(shorter.body);
  fs::create_directories(q.dir.path / "models");
  std::ofstream(q.dir.path / "models" / (".m-" + hash.substr(0, 12) + ".part")) << "something longer";
  const auto other = q.pull(shorter.http.at("/m.pt"), hash);
  REQUIRE(other);
  CHECK(read(*other) == "short");
}

TEST_CASE("download: another hash is refused and nothing of it is kept") {
  file_server files(content());
  puller p;
  const auto file = p.pull(files.http.at("/m.pt"), std::string(64, 'a'));
  REQUIRE_FALSE(file);
  CHECK(file.error().code == errc::malformed);
  CHECK_THAT(file.error().why,
             Catch::Contains(sha256_hex(files.body)) && Catch::Contains(std::string(64, 'a')));
  CHECK(fs::is_empty(p.dir.path / "models"));
}

TEST_CASE("download: refusals end it at once, busy servers are asked again") {
  std::atomic<int> asked{0};
  server http([&](const server::request& r) {
    server::reply out;
    out.status = r.target == "/gone" ? 404 : (r.method == "GET" && ++asked > 2 ? 200 : 503);
    if (out.status == 200) out.body = "model";
    return out;
  });
  puller p;
  const auto gone = p.pull(http.at("/gone"), sha256_hex("model"));
  REQUIRE_FALSE(gone);
  CHECK(gone.error().code == errc::http_status);
  CHECK(gone.error().http_status == 404);
  CHECK(p.pull(http.at("/busy"), sha256_hex("model")));
}

TEST_CASE("download: without an answer it ends within the connect timeout") {
  server silent([](const server::request&) {
    server::reply out;
    out.delay = 20s;
    return out;
  });
  puller p;
  embed::download_options options;
  options.connect_timeout = 200ms;
  const auto begun = std::chrono::steady_clock::now();
  const auto late = p.pull(silent.at("/m.pt"), std::string(64, 'a'), options);
  CHECK(std::chrono::steady_clock::now() - begun < 5s);
  REQUIRE_FALSE(late);
  CHECK(late.error().code == errc::timeout);
  CHECK_THAT(late.error().hint, Catch::Contains("--untrained"));

  std::string nobody;
  {
    const server gone([](const server::request&) { return server::reply{}; });
    nobody = gone.at("/m.pt");
  }
  const auto refused = p.pull(nobody, std::string(64, 'a'));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::network);
}

TEST_CASE("download: cancelling keeps what arrived") {
  const auto body = content();
  server slow([&](const server::request& r) {
    server::reply out;
    if (r.method == "HEAD") {
      out.announced = body.size();
      return out;
    }
    out.body = body;
    out.drip_bytes = 10'000;
    out.drip_every = 50ms;
    return out;
  });
  puller p;
  embed::download_options options;
  options.on_progress = [&](std::uint64_t done, std::uint64_t) {
    if (done > 0) asio::post(p.loop, [&] { p.stop.emit(asio::cancellation_type::terminal); });
  };
  const auto hash = sha256_hex(body);
  const auto stopped = p.pull(slow.at("/m.pt"), hash, options);
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().code == errc::cancelled);
  CHECK(fs::file_size(p.dir.path / "models" / (".m-" + hash.substr(0, 12) + ".part")) > 0);
}

TEST_CASE("download retry: pauses double, five failures in a row are the end, progress starts over") {
  embed::download_retry retry(1s);
  CHECK(retry.after_break(true) == 1s);
  CHECK(retry.after_break(false) == 2s);
  CHECK(retry.after_break(false) == 4s);
  CHECK(retry.after_break(false) == 8s);
  CHECK(retry.after_break(true) == 1s);
  for (int i = 0; i < 3; ++i) CHECK(retry.after_break(false).has_value());
  CHECK_FALSE(retry.after_break(false).has_value());
}
