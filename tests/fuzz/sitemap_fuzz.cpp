// Input: a byte with the size of the pieces, then a sitemap: packed, plain, XML or text.
#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "scrape/sitemap_parser.hpp"

using namespace catwalk::scrape;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t step = std::max<std::size_t>(1, data[0]);
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  sitemap_parser parser("https://shop.example/sitemap.xml", 1'000'000);
  bool good = true;
  for (std::size_t at = 0; at < text.size() && good; at += step) {
    good = parser.push(text.substr(at, step)).has_value();
    for (const auto& entry : parser.take()) {
      if (entry.url.empty()) std::abort();
    }
  }
  if (good) good = parser.finish().has_value();
  return 0;
}
