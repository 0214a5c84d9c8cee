#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "core/time_zone.hpp"

namespace catwalk {

/// When a job is due: the five fields minute, hour, day of month, month, day of week.
///
/// A field is `*` or a list of values, ranges `a-b` and steps `*/n`, `a-b/n`, `a/n` (from a to the field's
/// end). Months and days of the week also by their English names (`jan`, `january`), Sunday is 0 or 7. The
/// day of month takes `L` (the last) and `L-n` (n days before the last), the day of the week `5#2` (the
/// second Friday) and `5L` (the last). `?` is `*` in both. As in Debian's cron, a day matches either of the
/// two when neither field starts with `*`, else it must match both. `@hourly`, `@daily`, `@midnight`,
/// `@weekly`, `@monthly`, `@yearly` and `@annually` are short for expressions.
///
/// Where clocks change, Debian's cron is followed too: a job whose minute or hour starts with `*` follows
/// real time; any other fires once right after the gap for times that a change skips, and the first time
/// alone for times that it repeats.
class cron_expression {
 public:
  /// `invalid_expression` where `text` is none, or names days that no calendar has (30 February).
  static result<cron_expression> parse(std::string_view text);

  /// The first time after `t`, a whole minute; nullopt where there is none within 50 years. I/O-free.
  std::optional<sys_seconds> next_after(sys_seconds t, const time_zone& zone) const;

  /// The expression as it was written.
  const std::string& text() const noexcept { return text_; }

  /// True where a clock that shows `t` (seconds aside) is at a time of the expression, whatever the zone.
  bool matches(local_seconds t) const;

 private:
  cron_expression() = default;
  friend class cron_parser;

  bool day_matches(std::chrono::local_days day) const;
  /// The first match at or after `from` and before `end`.
  std::optional<local_seconds> next_local(local_seconds from, local_seconds end) const;

  std::string text_;
  std::uint64_t minutes_ = 0;           ///< bit n: minute n
  std::uint32_t hours_ = 0;             ///< bit n: hour n
  std::uint32_t days_ = 0;              ///< bit n: day n of the month, from 1
  std::uint32_t days_before_last_ = 0;  ///< bit n: n days before the month's last
  std::uint32_t months_ = 0;            ///< bit n: month n, from 1
  std::uint32_t weekdays_ = 0;          ///< bit n: weekday n, Sunday 0
  std::array<std::uint8_t, 7>
      nth_weekdays_{};      ///< for each weekday, bit n: the nth of the month; bit 0: the last
  bool both_days_ = true;   ///< day of month and of week must both match; else either
  bool real_time_ = false;  ///< follows real time where clocks change
};

}  // namespace catwalk
