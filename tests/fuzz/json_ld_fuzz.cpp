// Input: a JSON-LD script; where it begins with "<", a whole page.
#include <cstdlib>
#include <string>
#include <string_view>

#include "scrape/lenient_json.hpp"
#include "scrape/structured_data.hpp"
#include "scrape/text.hpp"

using namespace catwalk;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto lenient = scrape::parse_lenient_json(input, "fuzz");
  // What is well-formed is not touched, and what was read can be written and read again.
  const auto strict = nlohmann::json::parse(input.begin(), input.end(), nullptr, false);
  if (!strict.is_discarded() && lenient.has_error() && lenient.error().code == errc::malformed) std::abort();
  if (lenient && scrape::parse_lenient_json(lenient->dump(), "again").has_error()) std::abort();
  if (scrape::json_value_length(input) > size) std::abort();

  std::string page = scrape::valid_utf8(input);
  if (!input.starts_with('<')) page = "<script type=application/ld+json>" + page + "</script>";
  const auto document = scrape::html_document::parse(page, "fuzz");
  if (!document) return 0;
  const std::string address = "https://shop.example/en/products/thing";
  const auto read = scrape::read_structured_data(*document, address, address);
  for (const auto& one : read.items) {
    if (!one.fields.is_object()) std::abort();
    (void)one.fields.dump();  // throws where a text is not UTF-8
  }
  return 0;
}
