#include "core/time_zone.hpp"

#include <date/tz.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/nearest_key.hpp"

namespace catwalk {
namespace {

using namespace std::chrono;

error no_database(const std::exception& e) {
  return {errc::io, "cannot read the time zone database", "", e.what(), "install the package tzdata"};
}

std::string_view city_of(std::string_view name) {
  return name.substr(name.rfind('/') + 1);
}

/// The zone that was meant, where its city is near to one; empty: none is.
std::string nearest_zone(std::string_view written) {
  const auto& zones = date::get_tzdb().zones;
  std::vector<std::string> cities;
  cities.reserve(zones.size());
  for (const auto& zone : zones) cities.emplace_back(city_of(zone.name()));
  const auto near = std::find(cities.begin(), cities.end(), config::nearest_key(city_of(written), cities));
  return near == cities.end() ? std::string() : zones[static_cast<std::size_t>(near - cities.begin())].name();
}

/// Reads a timestamp from left to right; each step takes what it reads off the front.
class timestamp_reader {
 public:
  explicit timestamp_reader(std::string_view text) : text_(text) {}

  bool done() const { return text_.empty(); }
  bool take(char c) {
    if (!text_.starts_with(c)) return false;
    text_.remove_prefix(1);
    return true;
  }
  /// Exactly `digits` digits.
  std::optional<int> number(std::size_t digits) {
    if (text_.size() < digits) return std::nullopt;
    int value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      if (text_[i] < '0' || text_[i] > '9') return std::nullopt;
      value = value * 10 + (text_[i] - '0');
    }
    text_.remove_prefix(digits);
    return value;
  }
  /// Two digits up to `highest`, after `before`.
  std::optional<int> pair(char before, int highest) {
    if (!take(before)) return std::nullopt;
    const auto value = number(2);
    return value && *value <= highest ? value : std::nullopt;
  }
  std::optional<local_days> day() {
    const auto y = number(4);
    const auto m = y ? pair('-', 12) : std::nullopt;
    const auto d = m ? pair('-', 31) : std::nullopt;
    if (!d) return std::nullopt;
    const year_month_day date{year(*y), month(static_cast<unsigned>(*m)),
                              std::chrono::day(static_cast<unsigned>(*d))};
    if (!date.ok()) return std::nullopt;
    return local_days(date);
  }
  std::optional<seconds> time_of_day() {
    const auto h = number(2);
    const auto m = h && *h < 24 ? pair(':', 59) : std::nullopt;
    if (!m) return std::nullopt;
    seconds t = hours(*h) + minutes(*m);
    if (!text_.starts_with(':')) return t;
    const auto s = pair(':', 59);
    if (!s) return std::nullopt;
    return t + seconds(*s);
  }
  std::optional<seconds> offset() {
    if (take('Z')) return seconds(0);
    const int sign = text_.starts_with('-') ? -1 : 1;
    const auto h = pair(sign < 0 ? '-' : '+', 23);
    const auto m = h ? pair(':', 59) : std::nullopt;
    if (!m) return std::nullopt;
    return sign * seconds(hours(*h) + minutes(*m));
  }

 private:
  std::string_view text_;
};

}  // namespace

result<time_zone> time_zone::find(std::string_view name) {
  try {
    date::get_tzdb();
  } catch (const std::exception& e) {
    return no_database(e);
  }
  try {
    return time_zone(date::locate_zone(name));
  } catch (const std::exception&) {
    const std::string near = nearest_zone(name);
    return error{errc::not_found, "there is no time zone", std::string(name), "",
                 near.empty() ? "use a name of the IANA database, as Europe/Prague or UTC"
                              : "did you mean " + near + "?"};
  }
}

result<time_zone> time_zone::of_system() {
  try {
    return time_zone(date::current_zone());
  } catch (const std::exception& e) {
    return error{errc::io, "cannot tell the machine's time zone", "", e.what(), "set schedule.timezone"};
  }
}

const std::string& time_zone::name() const noexcept {
  return zone_->name();
}

time_zone::stretch time_zone::at(sys_seconds t) const {
  const auto info = zone_->get_info(t);
  return {info.begin, info.end, info.offset};
}

local_seconds time_zone::to_local(sys_seconds t) const {
  return local_seconds(t.time_since_epoch() + zone_->get_info(t).offset);
}

sys_seconds time_zone::to_sys(local_seconds t) const {
  const auto info = zone_->get_info(date::local_seconds(t.time_since_epoch()));
  if (info.result == date::local_info::nonexistent) return info.first.end;
  return sys_seconds(t.time_since_epoch() - info.first.offset);
}

std::string time_zone::iso8601(sys_seconds t) const {
  const auto offset = at(t).offset;
  const auto local = local_seconds(t.time_since_epoch() + offset);
  const auto day = floor<days>(local);
  const year_month_day date(day);
  const hh_mm_ss time(local - day);
  const auto minutes_off = duration_cast<minutes>(offset < seconds(0) ? -offset : offset).count();
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d%c%02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()), offset < seconds(0) ? '-' : '+',
                static_cast<int>(minutes_off / 60), static_cast<int>(minutes_off % 60));
  return text;
}

result<sys_seconds> time_zone::parse(std::string_view text) const {
  const error invalid{errc::invalid_argument, "cannot read the time", std::string(text), "",
                      "write it as 2026-03-29T03:00:00, with +02:00 or Z behind it where it is not local"};
  timestamp_reader reader(text);
  const auto day = reader.day();
  if (!day) return invalid;
  local_seconds local = *day;
  if (!reader.done()) {
    if (!reader.take('T') && !reader.take(' ')) return invalid;
    const auto time = reader.time_of_day();
    if (!time) return invalid;
    local += *time;
  }
  if (reader.done()) return to_sys(local);
  const auto offset = reader.offset();
  if (!offset || !reader.done()) return invalid;
  return sys_seconds(local.time_since_epoch() - *offset);
}

}  // namespace catwalk
