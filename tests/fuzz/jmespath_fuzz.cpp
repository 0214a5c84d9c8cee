// Input: an expression, a zero byte, a JSON document (null where it is none).
#include <cstdlib>
#include <string_view>

#include "scrape/jmespath.hpp"
#include "scrape/json_document.hpp"

using namespace catwalk;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto zero = std::min(input.find('\0'), input.size());
  const auto text = input.substr(0, zero);
  scrape::jmespath_error detail;
  const auto expression = scrape::jmespath::compile(text, &detail);
  if (expression.has_error()) {
    if (detail.offset > text.size() || detail.message.empty()) std::abort();
    (void)detail.caret(text);
    return 0;
  }
  const auto after = input.substr(std::min(zero + 1, input.size()));
  auto document = nlohmann::json::parse(after.begin(), after.end(), nullptr, false);
  if (document.is_discarded()) document = nullptr;

  const auto found = expression->search(document);
  nlohmann::json items = nlohmann::json::array();
  const auto count =
      expression->visit_items(document, [&](const nlohmann::json& item) { items.push_back(item); });
  // Both ways of asking agree.
  if (found.has_value() != count.has_value()) {
    // A result may be too deep as a whole and not item by item, never the other way round.
    if (found.has_value() || found.error().code != errc::too_large) std::abort();
    return 0;
  }
  if (found.has_value() && found->is_array() && *found != items) std::abort();

  // What the expression does not reach makes no difference.
  scrape::json_reach reach;
  scrape::take_whole(expression->reach({&reach}));
  const auto whole = scrape::parse_json_document(after, "fuzz");
  const auto part = scrape::parse_json_document(after, "fuzz", scrape::max_json_depth, &reach);
  if (whole.has_value() != part.has_value()) std::abort();
  if (!whole) return 0;
  const auto of_whole = expression->search(*whole), of_part = expression->search(*part);
  if (of_whole.has_value() && (of_part.has_error() || *of_part != *of_whole)) std::abort();
  return 0;
}
