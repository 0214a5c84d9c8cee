// Input: a byte with the size of the pieces, then a feed: packed, plain, XML or a table.
#include <algorithm>
#include <string_view>

#include "scrape/feed_item.hpp"
#include "scrape/feed_parser.hpp"

using namespace catwalk::scrape;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t step = std::max<std::size_t>(1, data[0]);
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  feed_parser parser("feed", 1'000'000);
  const auto read = [&] {
    for (const auto& item : parser.take()) feed_fields(item);
  };
  bool good = true;
  for (std::size_t at = 0; at < text.size() && good; at += step) {
    good = parser.push(text.substr(at, step)).has_value();
    read();
  }
  if (good) good = parser.finish().has_value();
  read();
  return 0;
}
