#include "daemon/progress.hpp"

#include <spdlog/fmt/fmt.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdio>

#include "core/log.hpp"
#include "daemon/commands/command.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

progress_line::progress_line(application& app)
    : app_(app), shown_(is_terminal(STDERR_FILENO)), tasks_(app.loop().get_executor()) {}

void progress_line::start() {
  if (!shown_) return;
  began_ = std::chrono::steady_clock::now();
  clear_line_before_logs(true);
  tasks_.spawn("progress", draw());
}

asio::awaitable<void> progress_line::stop() {
  if (!shown_) co_return;
  tasks_.cancel();
  co_await tasks_.join();
  clear_line_before_logs(false);
  std::fputs("\r\x1b[K", stderr);
}

asio::awaitable<void> progress_line::draw() {
  asio::steady_timer timer(app_.loop());
  storage::catalogue_counts counts;
  // The line moves five times a second; counting walks the whole catalogue, so that is done every two
  // seconds.
  constexpr int draws_a_count = 10;
  for (int drawn = 0;; ++drawn) {
    if (app_.has_catalogue() && drawn % draws_a_count == 0) {
      if (const auto found = co_await app_.catalogue().counts()) counts = *found;
    }
    auto line = text(counts);
    winsize size{};
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 && line.size() >= size.ws_col)
      line.resize(size.ws_col - 1U);
    std::fprintf(stderr, "\r\x1b[K%s", line.c_str());
    timer.expires_after(std::chrono::milliseconds(200));
    co_await timer.async_wait(asio::use_awaitable);
  }
}

std::string progress_line::text(const storage::catalogue_counts& counts) const {
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
  std::string line = fmt::format("{:4.0f} s  {} products", seconds, counts.products);
  if (const auto* images = app_.images()) {
    const auto done = images->counts();
    const auto wanted = done.embedded + static_cast<std::uint64_t>(counts.vectors_pending);
    constexpr int width = 20;
    const int filled = wanted == 0 ? 0 : static_cast<int>(width * done.embedded / wanted);
    line += fmt::format("  [{:<{}}] {}/{} images", std::string(static_cast<std::size_t>(filled), '#'), width,
                        done.embedded, wanted);
    if (seconds > 1) line += fmt::format("  {:.1f}/s", static_cast<double>(done.embedded) / seconds);
    if (done.failed > 0) line += fmt::format("  {} failed", done.failed);
  }
  if (const auto* writer = app_.writer()) {
    const auto status = writer->status();
    line += fmt::format("  {} rows sent", status.sent);
    if (status.waiting > 0) line += fmt::format(", {} waiting", status.waiting);
    if (status.parked) line += " (sink parked)";
  }
  return line;
}

}  // namespace catwalk::daemon
