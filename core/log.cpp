#include "core/log.hpp"

#include <spdlog/formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "core/journal.hpp"
#include "core/log_format.hpp"
#include "core/log_scope.hpp"
#include "core/repeated_lines.hpp"

namespace catwalk {
namespace {

class concealed_values {
 public:
  static concealed_values& instance() {
    static concealed_values values;
    return values;
  }

  void add(const std::string& value) {
    constexpr std::size_t shortest = 6;
    if (value.size() < shortest) return;
    const std::lock_guard lock(mutex_);
    if (std::find(values_.begin(), values_.end(), value) != values_.end()) return;
    values_.push_back(value);
    // A value that contains another is replaced first, so that no rest of it is left.
    std::sort(values_.begin(), values_.end(),
              [](const auto& a, const auto& b) { return a.size() > b.size(); });
  }

  void replace_in(std::string& text) const {
    const std::lock_guard lock(mutex_);
    for (const auto& value : values_)
      for (auto at = text.find(value); at != std::string::npos; at = text.find(value, at + 3))
        text.replace(at, value.size(), "***");
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> values_;
};

std::atomic<bool> clears_line{false};

/// Wraps a formatter and conceals what it wrote.
class concealing_formatter final : public spdlog::formatter {
 public:
  explicit concealing_formatter(std::unique_ptr<spdlog::formatter> inner) : inner_(std::move(inner)) {}

  void format(const spdlog::details::log_msg& msg, spdlog::memory_buf_t& dest) override {
    spdlog::memory_buf_t line;
    inner_->format(msg, line);
    std::string text(line.data(), line.size());
    concealed_values::instance().replace_in(text);
    if (clears_line.load(std::memory_order_relaxed)) text.insert(0, "\r\x1b[K");
    dest.append(text.data(), text.data() + text.size());
  }

  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<concealing_formatter>(inner_->clone());
  }

 private:
  std::unique_ptr<spdlog::formatter> inner_;
};

/// Writes what repeated_lines admits to another sink, and tells of what it did not.
class counting_sink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  /// From now on lines go there. What was counted stays.
  void write_to(spdlog::sink_ptr to) {
    const std::lock_guard lock(mutex_);
    to_ = std::move(to);
  }

  /// Tells of every window that is over; with `all`, of the others too.
  void tell_repeats(bool all) {
    const std::lock_guard lock(mutex_);
    tell(all ? lines_.rest() : lines_.ended(steady_now()));
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& msg) override {
    const auto now = steady_now();
    tell(lines_.ended(now));
    const auto scope = current_log_scope();
    if (lines_.admit({msg.level, {msg.payload.data(), msg.payload.size()}, scope ? *scope : log_scope{}},
                     now))
      to_->log(msg);
  }
  void flush_() override { to_->flush(); }

 private:
  void tell(const std::vector<repeated_lines::summary>& summaries) {
    for (const auto& summary : summaries) {
      const log_scope_guard of_the_line(summary.what.scope);
      const auto text = words(summary);
      to_->log({"catwalk", static_cast<spdlog::level::level_enum>(summary.what.level), text});
    }
  }

  spdlog::sink_ptr to_;
  repeated_lines lines_;
};

const std::shared_ptr<counting_sink>& output() {
  static const auto sink = std::make_shared<counting_sink>();
  return sink;
}

}  // namespace

void start_logging(const std::string& level, const std::string& format) {
  const bool journal = stderr_is_journal();
  spdlog::sink_ptr to;
  if (journal)
    to = std::make_shared<journal_sink>();
  else
    to = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
  to->set_formatter(std::make_unique<concealing_formatter>(journal ? make_journal_formatter(format)
                                                                   : make_line_formatter(format)));
  output()->write_to(std::move(to));
  // One logger for the life of the process: another thread may be writing to it while it is set up anew.
  static const auto logger = [] {
    auto made = std::make_shared<spdlog::logger>("catwalk", output());
    made->flush_on(spdlog::level::warn);
    spdlog::set_default_logger(made);
    return made;
  }();
  logger->set_level(spdlog::level::from_str(level));
}

void tell_log_repeats() {
  output()->tell_repeats(false);
}

void end_logging() {
  output()->tell_repeats(true);
}

void clear_line_before_logs(bool on) noexcept {
  clears_line.store(on, std::memory_order_relaxed);
}

void conceal_in_logs(const std::string& value) {
  concealed_values::instance().add(value);
}

std::string concealed(std::string text) {
  concealed_values::instance().replace_in(text);
  return text;
}

}  // namespace catwalk
