// Input: four bytes of time, a byte for the zone, a cron expression.
#include <array>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "core/cron.hpp"

using namespace catwalk;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size < 5) return 0;
  static const std::array zones{time_zone::find("UTC").value(), time_zone::find("Europe/Prague").value(),
                                time_zone::find("Australia/Lord_Howe").value(),
                                time_zone::find("America/Sao_Paulo").value(),
                                time_zone::find("Pacific/Apia").value()};
  std::uint32_t from = 0;
  std::memcpy(&from, data, 4);
  const auto& zone = zones[data[4] % zones.size()];
  const std::string_view text(reinterpret_cast<const char*>(data) + 5, size - 5);
  const auto parsed = cron_expression::parse(text);
  if (parsed.has_error()) {
    if (parsed.error().why.empty()) std::abort();
    return 0;
  }
  const sys_seconds start{std::chrono::seconds(from)};
  const auto next = parsed->next_after(start, zone);
  if (!next) return 0;
  if (*next <= start) std::abort();
  // Nothing lies between: asked from right before it, the answer is the same.
  if (parsed->next_after(*next - std::chrono::seconds(1), zone) != next) std::abort();
  const auto middle = start + (*next - start) / 2;
  if (middle < *next && parsed->next_after(middle, zone) != next) std::abort();
  return 0;
}
