#include "core/cron.hpp"

#include <algorithm>

namespace catwalk {

using namespace std::chrono;

bool cron_expression::day_matches(local_days day) const {
  const year_month_day date(day);
  const auto d = static_cast<unsigned>(date.day());
  const auto last =
      static_cast<unsigned>(year_month_day_last(date.year(), month_day_last(date.month())).day());
  const bool by_date = (days_ >> d & 1) != 0 || (days_before_last_ >> (last - d) & 1) != 0;
  const auto w = weekday(day).c_encoding();
  const auto nth = nth_weekdays_[w];
  const bool by_weekday =
      (weekdays_ >> w & 1) != 0 || (nth >> ((d + 6) / 7) & 1) != 0 || ((nth & 1) != 0 && d + 7 > last);
  return both_days_ ? by_date && by_weekday : by_date || by_weekday;
}

bool cron_expression::matches(local_seconds t) const {
  const auto day = floor<days>(t);
  const auto time = t - day;
  const auto month = static_cast<unsigned>(year_month_day(day).month());
  return (minutes_ >> (duration_cast<minutes>(time).count() % 60) & 1) != 0 &&
         (hours_ >> duration_cast<hours>(time).count() & 1) != 0 && (months_ >> month & 1) != 0 &&
         day_matches(day);
}

std::optional<local_seconds> cron_expression::next_local(local_seconds from, local_seconds end) const {
  from = ceil<minutes>(from);
  for (auto day = floor<days>(from); day < end;) {
    const year_month_day date(day);
    if ((months_ >> static_cast<unsigned>(date.month()) & 1) == 0) {
      day = local_days((date.year() / date.month() + months(1)) / 1);
      continue;
    }
    if (day_matches(day)) {
      const auto start = std::max<minutes>(minutes(0), duration_cast<minutes>(from - day));
      for (auto hour = duration_cast<hours>(start).count(); hour < 24; ++hour) {
        if ((hours_ >> hour & 1) == 0) continue;
        for (auto minute = hours(hour) < start ? (start - hours(hour)).count() : 0; minute < 60; ++minute) {
          if ((minutes_ >> minute & 1) == 0) continue;
          const local_seconds found = day + hours(hour) + minutes(minute);
          return found < end ? std::optional(found) : std::nullopt;
        }
      }
    }
    day += days(1);
  }
  return std::nullopt;
}

std::optional<sys_seconds> cron_expression::next_after(sys_seconds t, const time_zone& zone) const {
  // Leap day rules repeat within 40 years (2100 has none).
  const auto horizon = t + days(50 * 366);
  if (!real_time_) {
    // In local time, then over to real time: what a gap skips lands right after it; what is repeated, on the
    // first pass.
    auto from = zone.to_local(t) + seconds(1);
    const auto end = zone.to_local(horizon);
    while (const auto found = next_local(from, end)) {
      const auto real = zone.to_sys(*found);
      if (real > t) return real;
      from = *found + minutes(1);  // the second pass over a repeated hour
    }
    return std::nullopt;
  }
  for (auto from = t + seconds(1); from < horizon;) {
    const auto stretch = zone.at(from);
    const auto end = std::min(stretch.end, horizon);
    if (const auto found = next_local(local_seconds(from.time_since_epoch() + stretch.offset),
                                      local_seconds(end.time_since_epoch() + stretch.offset)))
      return sys_seconds(found->time_since_epoch() - stretch.offset);
    from = end;
  }
  return std::nullopt;
}

}  // namespace catwalk
