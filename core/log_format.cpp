#include "core/log_format.hpp"

#include <spdlog/pattern_formatter.h>

#include <ctime>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "core/log_scope.hpp"

namespace catwalk {
namespace {

/// `[run 12] ` where the line belongs to a run.
class run_flag final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg&, const std::tm&, spdlog::memory_buf_t& dest) override {
    const auto scope = current_log_scope();
    if (!scope || scope->run == 0) return;
    const auto text = "[run " + std::to_string(scope->run) + "] ";
    dest.append(text.data(), text.data() + text.size());
  }

  std::unique_ptr<spdlog::custom_flag_formatter> clone() const override {
    return std::make_unique<run_flag>();
  }
};

std::unique_ptr<spdlog::formatter> make_text_formatter(const char* pattern) {
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<run_flag>('*').set_pattern(pattern);
  return formatter;
}

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
    const auto level = spdlog::level::to_string_view(msg.level);
    nlohmann::ordered_json line{
        {"time", fmt::format("{}.{:03}Z", std::string_view(stamp, length), millis)},
        {"level", std::string_view(level.data(), level.size())},
    };
    if (const auto scope = current_log_scope()) {
      if (scope->run != 0) line["run"] = scope->run;
      if (!scope->site.empty()) line["site"] = scope->site;
    }
    line["message"] = std::string_view(msg.payload.data(), msg.payload.size());
    const auto text = line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    dest.append(text.data(), text.data() + text.size());
  }

  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<json_formatter>(); }
};

}  // namespace

std::unique_ptr<spdlog::formatter> make_line_formatter(const std::string& format) {
  if (format == "json") return std::make_unique<json_formatter>();
  return make_text_formatter("%Y-%m-%d %H:%M:%S.%e %^%-7l%$ %*%v");
}

std::unique_ptr<spdlog::formatter> make_journal_formatter(const std::string& format) {
  if (format == "json") return std::make_unique<json_formatter>();
  return make_text_formatter("%*%v");
}

}  // namespace catwalk
