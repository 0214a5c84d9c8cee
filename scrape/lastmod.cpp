#include "scrape/lastmod.hpp"

#include <charconv>

namespace catwalk::scrape {
namespace {

using namespace std::chrono;

/// The shop's clock may be off, and a page may be cached for a while after its change.
constexpr auto slack = minutes(10);

/// Takes `digits` digits off the front.
std::optional<int> take_number(std::string_view& text, std::size_t digits) {
  int value = 0;
  if (text.size() < digits) return std::nullopt;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + digits, value);
  if (failed != std::errc() || end != text.data() + digits || value < 0) return std::nullopt;
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

/// What is left after the seconds: nothing (a zone is missing), `Z`, or `+hh:mm`. The moment is `local` at
/// the latest in that zone.
std::optional<wall_time> in_zone(wall_time local, std::string_view zone) {
  if (zone.empty()) return local + hours(12);
  if (zone == "Z" || zone == "z") return local;
  const bool ahead = zone.front() == '+';
  if (!ahead && zone.front() != '-') return std::nullopt;
  zone.remove_prefix(1);
  const auto hour = take_number(zone, 2);
  take(zone, ':');
  const auto minute = zone.empty() ? std::optional(0) : take_number(zone, 2);
  if (!hour || !minute || !zone.empty()) return std::nullopt;
  const auto offset = hours(*hour) + minutes(*minute);
  return ahead ? local - offset : local + offset;
}

}  // namespace

std::optional<wall_time> latest_change(std::string_view text) {
  const auto y = take_number(text, 4);
  if (!y || !take(text, '-')) return std::nullopt;
  const auto m = take_number(text, 2);
  if (!m || !take(text, '-')) return std::nullopt;
  const auto d = take_number(text, 2);
  if (!d) return std::nullopt;
  const year_month_day date{year(*y), month(static_cast<unsigned>(*m)), day(static_cast<unsigned>(*d))};
  if (!date.ok()) return std::nullopt;
  const wall_time midnight = sys_days(date);
  if (text.empty()) return midnight + hours(24 + 12);
  if (!take(text, 'T') && !take(text, ' ')) return std::nullopt;
  const auto hour = take_number(text, 2);
  if (!hour || *hour > 24 || !take(text, ':')) return std::nullopt;
  const auto minute = take_number(text, 2);
  if (!minute || *minute > 59) return std::nullopt;
  std::optional<int> second = 59;
  if (take(text, ':')) second = take_number(text, 2);
  if (!second) return std::nullopt;
  if (take(text, '.')) {
    while (!text.empty() && text.front() >= '0' && text.front() <= '9') text.remove_prefix(1);
  }
  return in_zone(midnight + hours(*hour) + minutes(*minute) + seconds(*second + 1), text);
}

bool unchanged_since(std::string_view lastmod, wall_time read, wall_time now) {
  if (read > now || now - read > longest_trust_in_lastmod) return false;
  const auto changed = latest_change(lastmod);
  return changed && *changed + slack < read;
}

}  // namespace catwalk::scrape
