#include "daemon/service_status.hpp"

#include <spdlog/fmt/fmt.h>

#include "daemon/status_text.hpp"

namespace catwalk::daemon {

std::string service_status::line(const seen& now_seen, steady_time now) {
  std::string text;
  if (now_seen.runs == 0 && now_seen.pending == 0) {
    began_.reset();
    text = "idle";
    if (now_seen.next_run) text += ", next run in " + rough_time(*now_seen.next_run);
  } else {
    if (!began_) {
      began_ = now;
      embedded_before_ = now_seen.embedded;
    }
    const auto done = static_cast<std::int64_t>(now_seen.embedded - embedded_before_);
    if (now_seen.pending == 0 && done == 0) {
      text = "reading";
    } else {
      text = fmt::format("embedding {} of {}", with_commas(done), with_commas(done + now_seen.pending));
      const double seconds = std::chrono::duration<double>(now - *began_).count();
      if (seconds >= 1 && done > 0) text += fmt::format(", {:.0f}/s", static_cast<double>(done) / seconds);
    }
  }
  if (now_seen.rows_waiting > 0) text += fmt::format("; {} rows wait", with_commas(now_seen.rows_waiting));
  if (now_seen.parked) text += "; the sink is parked";
  return text;
}

}  // namespace catwalk::daemon
