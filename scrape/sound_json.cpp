#include "scrape/sound_json.hpp"

#include <simdjson.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "scrape/text.hpp"

namespace catwalk::scrape {
namespace {

using nlohmann::json;
namespace dom = simdjson::dom;

/// simdjson takes up to 15 bytes for each of the body. A reading thread keeps what pages usually need.
constexpr std::size_t largest_body = 8'000'000;
constexpr std::size_t largest_kept = 2'000'000;

json value_of(dom::element element, const json_reach& place);

json object_of(dom::object object, const json_reach& place) {
  json made = json::object();
  auto& members = made.get_ref<json::object_t&>();
  for (const auto [key, value] : object) {
    std::string name = without_nul(key);
    if (const json_reach* member = place.find(name))
      members.insert_or_assign(std::move(name), value_of(value, *member));  // of a repeated key the last
  }
  return made;
}

json array_of(dom::array array, const json_reach& place) {
  json made = json::array();
  auto& elements = made.get_ref<json::array_t&>();
  elements.reserve(array.size());
  for (const dom::element element : array) elements.push_back(value_of(element, place));
  return made;
}

/// simdjson has judged the whole document, its depth too, so that reading a value as what it is cannot fail.
json value_of(dom::element element, const json_reach& place) {
  switch (element.type()) {
    case dom::element_type::OBJECT:
      return object_of(element.get_object().value_unsafe(), place);
    case dom::element_type::ARRAY:
      return array_of(element.get_array().value_unsafe(), place);
    case dom::element_type::STRING:
      return without_nul(element.get_string().value_unsafe());
    case dom::element_type::INT64: {
      const std::int64_t number = element.get_int64().value_unsafe();
      return number < 0 ? json(number) : json(static_cast<std::uint64_t>(number));
    }
    case dom::element_type::UINT64:
      return element.get_uint64().value_unsafe();
    case dom::element_type::DOUBLE:
      return element.get_double().value_unsafe();
    case dom::element_type::BOOL:
      return element.get_bool().value_unsafe();
    case dom::element_type::NULL_VALUE:
      break;
  }
  return nullptr;
}

}  // namespace

std::optional<json> read_sound_json(std::string_view body, int max_depth, const json_reach& reach) {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  if (body.starts_with(byte_order_mark)) body.remove_prefix(byte_order_mark.size());
  if (body.size() > largest_body) return std::nullopt;

  thread_local dom::parser kept;
  dom::parser own;
  dom::parser& parser = body.size() <= largest_kept ? kept : own;
  // simdjson counts the document as a level and an innermost empty container as none: nothing deeper passes.
  const auto depth = static_cast<std::size_t>(max_depth);
  if (depth != parser.max_depth() && parser.allocate(std::max(parser.capacity(), body.size()), depth))
    return std::nullopt;
  dom::element document;
  if (parser.parse(body.data(), body.size()).get(document)) return std::nullopt;
  return value_of(document, reach);
}

}  // namespace catwalk::scrape
