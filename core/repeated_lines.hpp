#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/clock.hpp"
#include "core/log_scope.hpp"

namespace catwalk {

/// Decides which log lines are written: the same line over and over is written a few times, then counted, and
/// the count told when its minute is over. I/O-free; not thread-safe.
class repeated_lines {
 public:
  struct line {
    int level = 0;  ///< spdlog's
    std::string text;
    log_scope scope;

    bool operator==(const line&) const = default;
  };
  struct summary {
    line what;
    std::uint64_t left_out = 0;  ///< times that the line was not written
  };

  static constexpr std::chrono::minutes window{1};
  static constexpr std::uint64_t permitted = 5;   ///< within a window, of each line
  static constexpr std::size_t remembered = 512;  ///< lines; more at a time are written without being counted

  /// Whether the line is written. Its window begins with the first of its kind.
  bool admit(const line& said, steady_time now);
  /// Lines that were left out and whose window is over, each told once.
  std::vector<summary> ended(steady_time now);
  /// The same without waiting for the windows' ends, in no order: at the process's end.
  std::vector<summary> rest();

 private:
  struct hash {
    std::size_t operator()(const line& of) const noexcept;
  };
  struct tally {
    steady_time began;
    std::uint64_t times = 0;
  };
  std::unordered_map<line, tally, hash> seen_;
  std::optional<steady_time> next_end_;  ///< no window ends before
};

/// The text that tells of a summary: "TEXT (said 41 more times within a minute)".
std::string words(const repeated_lines::summary& of);

}  // namespace catwalk
