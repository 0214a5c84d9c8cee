#include "scrape/retry_after.hpp"

#include <date/date.h>

#include <algorithm>
#include <locale>
#include <sstream>
#include <string>

#include "scrape/text.hpp"

namespace catwalk::scrape {

std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view value, wall_time now) {
  const std::string text(trimmed(value));
  if (text.empty()) return std::nullopt;
  if (std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; })) {
    if (text.size() > 9) return std::chrono::hours(24 * 365);
    return std::chrono::seconds(std::stol(text));
  }
  for (const char* form :
       {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"}) {
    std::istringstream in(text);
    in.imbue(std::locale::classic());
    date::sys_seconds when;
    in >> date::parse(form, when);
    if (in.fail()) continue;
    return std::max(std::chrono::milliseconds(0),
                    std::chrono::duration_cast<std::chrono::milliseconds>(when - now));
  }
  return std::nullopt;
}

}  // namespace catwalk::scrape
