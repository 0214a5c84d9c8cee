#include "core/log.hpp"

#include <spdlog/formatter.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <ctime>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

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

class json_formatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& msg, spdlog::memory_buf_t& dest) override {
    using namespace std::chrono;
    const auto since_epoch = msg.time.time_since_epoch();
    const auto second = system_clock::to_time_t(msg.time);
    std::tm utc{};
    gmtime_r(&second, &utc);
    char stamp[40];
    const auto length = std::strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc);
    const auto millis = duration_cast<milliseconds>(since_epoch).count() % 1000;
    const nlohmann::ordered_json line{
        {"time", fmt::format("{}.{:03}Z", std::string_view(stamp, length), millis)},
        {"level", std::string_view(spdlog::level::to_string_view(msg.level).data(),
                                   spdlog::level::to_string_view(msg.level).size())},
        {"message", std::string_view(msg.payload.data(), msg.payload.size())},
    };
    const auto text = line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    dest.append(text.data(), text.data() + text.size());
  }

  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<json_formatter>(); }
};

}  // namespace

void start_logging(const std::string& level, const std::string& format) {
  auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
  auto logger = std::make_shared<spdlog::logger>("catwalk", std::move(sink));
  std::unique_ptr<spdlog::formatter> formatter;
  if (format == "json")
    formatter = std::make_unique<json_formatter>();
  else
    formatter = std::make_unique<spdlog::pattern_formatter>("%Y-%m-%d %H:%M:%S.%e %^%-7l%$ %v");
  logger->set_formatter(std::make_unique<concealing_formatter>(std::move(formatter)));
  logger->set_level(spdlog::level::from_str(level));
  logger->flush_on(spdlog::level::warn);
  spdlog::set_default_logger(std::move(logger));
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
