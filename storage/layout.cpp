#include "storage/layout.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <numeric>
#include <span>
#include <utility>

#include "config/letter_case.hpp"
#include "core/json_string.hpp"
#include "core/json_text.hpp"
#include "storage/sink.hpp"
#include "storage/vector_text.hpp"

namespace catwalk::storage {
namespace {

using nlohmann::json;
using cell = layout::cell;

constexpr std::string_view vector_field = "image_embedding";
constexpr std::string_view text_field = "info_embedding";

/// What a table may have or not, without a word.
bool is_optional(std::string_view field) {
  return field == "price_amount" || field == "price_currency" || field == "sale_amount" ||
         field == "embedding_model" || field == text_field;
}

std::string default_vector_column(std::string_view layout_name) {
  return layout_name == "2025-10" ? "embedding" : std::string(vector_field);
}

/// A text as the product holds it, which must outlive the cell.
cell text_of(const std::string& text) {
  return std::string_view(text);
}
cell text_of(std::string&&) = delete;
cell text_or_null(const std::optional<std::string>& text) {
  return text ? text_of(*text) : cell(json());
}
cell text_or_null(std::optional<std::string>&&) = delete;

json as_document(cell value) {
  if (const auto* text = std::get_if<std::string_view>(&value)) return json(*text);
  return std::get<json>(std::move(value));
}

/// A decimal number in text as a JSON number; null where it is none.
json number(const std::optional<std::string>& text) {
  if (!text || text->empty()) return {};
  double value = 0;
  const auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (problem != std::errc() || end != text->data() + text->size()) return {};
  return value;
}

/// What October 2025 kept beside the columns.
cell october_metadata(const product& p, const embedding*) {
  json m{{"source", "api"},
         {"merchant_name", as_document(text_or_null(p.merchant))},
         {"country", p.country},
         {"external_id", p.external_id},
         {"endpoint", p.endpoint}};
  if (!p.raw_item.is_null()) {
    m["_raw_item"] = p.raw_item;
    if (const auto price = p.raw_item.find("price"); price != p.raw_item.end() && price->is_number()) {
      m["original_price"] = *price;
      m["original_currency"] = as_document(text_or_null(p.currency));
    }
  }
  return m;
}

/// Removes `word` from `text` wherever it stands as a whole word, whatever its case.
void remove_word(std::string& text, const std::string& word) {
  const auto part_of_word = [&](std::size_t at) {
    const auto c = static_cast<unsigned char>(text[at]);
    return std::isalnum(c) != 0 || c == '_' || c >= 0x80;
  };
  const auto wanted = config::lower_case(word);
  auto lowered = config::lower_case(text);
  for (std::size_t at = 0; !wanted.empty() && (at = lowered.find(wanted, at)) != std::string::npos;) {
    const auto end = at + wanted.size();
    if ((at > 0 && part_of_word(at - 1)) || (end < text.size() && part_of_word(end))) {
      ++at;
    } else {
      text.erase(at, wanted.size());
      lowered.erase(at, wanted.size());
    }
  }
}

/// The predecessor took the names of colours out of the description of October 2025; where nothing was left,
/// it wrote the title.
cell october_description(const product& p, const embedding*) {
  if (p.color_names.empty()) return text_or_null(p.description);
  std::string rest = p.description.value_or("");
  for (const auto& colour : p.color_names) remove_word(rest, colour);
  const auto repeats = [](char a, char b) { return a == ' ' && b == ' '; };
  rest.erase(std::unique(rest.begin(), rest.end(), repeats), rest.end());
  constexpr std::string_view edges = "- |,;:()[]";
  const auto first = rest.find_first_not_of(edges);
  if (first == std::string::npos) return text_of(p.title);
  return json(rest.substr(first, rest.find_last_not_of(edges) - first + 1));
}

template <std::string product::*Member>
cell text(const product& p, const embedding*) {
  return text_of(p.*Member);
}
template <std::optional<std::string> product::*Member>
cell text_or_null(const product& p, const embedding*) {
  return text_or_null(p.*Member);
}
template <std::optional<std::string> product::*Member>
cell amount(const product& p, const embedding*) {
  return number(p.*Member);
}

cell id_of(const product& p, const embedding*) {
  return text_of(p.id.str());
}
/// Two products without an address must not meet in the unique key (source, product_url).
cell address_or_null(const product& p, const embedding*) {
  return p.product_url.empty() ? cell(json()) : text_of(p.product_url);
}
cell colours(const product& p, const embedding*) {
  return json(p.color_names);
}
cell is_second_hand(const product& p, const embedding*) {
  return json(p.second_hand);
}
cell model_of(const product&, const embedding* vector) {
  return vector ? text_of(vector->model) : cell(json());
}

cell february_images(const product& p, const embedding*) {
  return p.additional_images.empty() ? json() : json(python_json(json(p.additional_images)));
}
cell february_metadata(const product& p, const embedding*) {
  return p.metadata.empty() ? json() : json(python_json(p.metadata));
}

cell october_country(const product& p, const embedding*) {
  return text_of(p.country_field ? *p.country_field : p.country);
}
/// Without an id of the shop's the address identifies the product, as it does for its id.
cell october_id(const product& p, const embedding*) {
  return text_of(p.external_id.empty() ? p.product_url : p.external_id);
}
cell october_gender(const product& p, const embedding*) {
  return text_or_null(p.raw_gender ? p.raw_gender : p.gender);
}

struct field {
  std::string_view name;
  cell (*value)(const product& p, const embedding* vector);
};

constexpr field october_2025[]{
    {"source", text<&product::source>},
    {"external_id", october_id},
    {"merchant_name", text_or_null<&product::merchant>},
    {"title", text<&product::title>},
    {"description", october_description},
    {"brand", text_or_null<&product::brand>},
    {"price", amount<&product::price_amount>},
    {"currency", text_or_null<&product::currency>},
    {"country", october_country},
    {"image_url", text<&product::image_url>},
    {"product_url", address_or_null},
    {"affiliate_url", text_or_null<&product::affiliate_url>},
    {"availability", text<&product::availability>},
    {"category", text_or_null<&product::category_field>},
    {"subcategory", text_or_null<&product::subcategory>},
    {"gender", october_gender},
    {"color_names", colours},
    {"size", text_or_null<&product::size>},
    {"metadata", october_metadata},
    {"embedding_model", model_of},
    {"sale_amount", amount<&product::sale_amount>},
};

/// Those of February 2026 first.
constexpr field catwalks_own[]{
    {"id", id_of},
    {"source", text<&product::source>},
    {"title", text<&product::title>},
    {"description", text_or_null<&product::description>},
    {"brand", text_or_null<&product::brand>},
    {"image_url", text<&product::image_url>},
    {"additional_images", february_images},
    {"product_url", address_or_null},
    {"affiliate_url", text_or_null<&product::affiliate_url>},
    {"category", text_or_null<&product::category>},
    {"gender", text_or_null<&product::gender>},
    {"price", text_or_null<&product::price>},
    {"sale", text_or_null<&product::sale>},
    {"size", text_or_null<&product::size>},
    {"second_hand", is_second_hand},
    {"metadata", february_metadata},
    {"price_amount", amount<&product::price_amount>},
    {"price_currency", text_or_null<&product::currency>},
    {"sale_amount", amount<&product::sale_amount>},
    // Further ones.
    {"country", text<&product::country>},
    {"currency", text_or_null<&product::currency>},
    {"availability", text<&product::availability>},
    {"color_names", colours},
    {"embedding_model", model_of},
};
constexpr std::size_t fields_of_february = 19;
static_assert(catwalks_own[fields_of_february].name == "country");

std::span<const field> fields_of_layout(std::string_view name) {
  if (name == "2025-10") return october_2025;
  if (name == "2026-02") return std::span(catwalks_own).first(fields_of_february);
  if (name == "catwalk") return catwalks_own;
  return {};
}

void append_cell(std::string& out, const cell& value) {
  if (const auto* text = std::get_if<std::string_view>(&value)) return append_json_string(out, *text);
  const auto& document = std::get<json>(value);
  // What most cells hold that are no text, without json_text()'s detour through a serializer of its own.
  if (document.is_null())
    out += "null";
  else if (const auto* words = document.get_ptr<const std::string*>())
    append_json_string(out, *words);
  else if (document.is_boolean())
    out += document.get<bool>() ? "true" : "false";
  else if (document.empty())
    out += document.is_array() ? "[]" : "{}";
  else
    out += json_text(document);
}

/// `,"name":`
std::string json_key(const std::string& name) {
  return "," + json(name).dump() + ":";
}

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> parts;
  std::string part;
  for (const char c : list + ",") {
    if (c == ' ') continue;
    if (c != ',') {
      part += c;
    } else if (!part.empty()) {
      parts.push_back(std::move(part));
      part.clear();
    }
  }
  return parts;
}

void write_python(const json& value, std::string& out) {
  if (value.is_object() || value.is_array()) {
    out += value.is_object() ? '{' : '[';
    bool first = true;
    for (const auto& [key, member] : value.items()) {
      if (!first) out += ", ";
      first = false;
      if (value.is_object()) out += json(key).dump(-1, ' ', true, json::error_handler_t::replace) + ": ";
      write_python(member, out);
    }
    out += value.is_object() ? '}' : ']';
    return;
  }
  out += value.dump(-1, ' ', true, json::error_handler_t::replace);
}

}  // namespace

result<layout> layout::make(const settings& wanted, const std::optional<std::set<std::string>>& present) {
  const auto fields = fields_of_layout(wanted.name);
  if (fields.empty())
    return error{errc::invalid_config, "cannot use the sink's layout", wanted.name, "there is no such layout",
                 "sink.layout is auto, catwalk, 2026-02 or 2025-10"};
  const auto has = [&](const std::string& name) { return !present || present->count(name) > 0; };
  const auto missing = [&](const std::string& name) {
    return error{errc::sink_schema, "cannot use the sink's table", name, "it has no such column",
                 "add the column and run: notify pgrst, 'reload schema'; or change sink.columns"};
  };
  layout made;
  made.name_ = wanted.name;
  auto overrides = wanted.columns;
  const auto place = [&](const std::string& field,
                         const std::string& usual) -> result<std::optional<std::string>> {
    if (const auto own = overrides.find(field); own != overrides.end()) {
      auto name = own->second;
      overrides.erase(own);
      if (name && !has(*name)) return missing(*name);
      return name;
    }
    // What a table may lack is written only where it is known to be there.
    const bool own = wanted.name == "catwalk" && field == "embedding_model";
    if (!present && is_optional(field) && !own) return std::optional<std::string>();
    if (has(usual)) return std::optional<std::string>(usual);
    if (field == "image_url") return missing(usual);
    if (is_optional(field)) return std::optional<std::string>();
    made.left_out_.push_back(usual);
    return std::optional<std::string>();
  };
  for (const auto& field : fields) {
    const std::string usual(field.name);
    auto name = place(usual, usual);
    if (!name) return name.error();
    // A row without its vector leaves the model that the table names as it is.
    if (*name)
      made.columns_.push_back({usual, **name, json_key(**name), field.value, usual == "embedding_model"});
  }
  made.by_name_.resize(made.columns_.size());
  std::iota(made.by_name_.begin(), made.by_name_.end(), std::size_t{0});
  std::ranges::stable_sort(made.by_name_, {}, [&](std::size_t i) { return made.columns_[i].name; });
  auto vector = place(std::string(vector_field), default_vector_column(wanted.name));
  if (!vector) return vector.error();
  made.vector_column_ = std::move(*vector);
  auto text = place(std::string(text_field), std::string(text_field));
  if (!text) return text.error();
  made.text_column_ = std::move(*text);
  if (!overrides.empty())
    return error{errc::invalid_config, "cannot use sink.columns", overrides.begin()->first,
                 "the layout " + wanted.name + " has no such field", ""};

  if (wanted.on_conflict != "auto") {
    made.conflict_ = split(wanted.on_conflict);
  } else {
    const std::vector<std::string> keys = wanted.name == "2025-10"
                                              ? std::vector<std::string>{"source", "external_id"}
                                              : std::vector<std::string>{"id"};
    for (const auto& key : keys) {
      const auto c =
          std::find_if(made.columns_.begin(), made.columns_.end(), [&](auto& x) { return x.field == key; });
      if (c == made.columns_.end()) return missing(key);
      made.conflict_.push_back(c->name);
    }
  }
  for (const auto& name : made.conflict_)
    if (!has(name)) return missing(name);
  return made;
}

std::optional<std::string> layout::column_of(std::string_view field) const {
  if (field == vector_field) return vector_column_;
  for (const auto& c : columns_)
    if (c.field == field) return c.name;
  return std::nullopt;
}

std::optional<std::vector<std::string>> layout::key_of(const product& p) const {
  std::vector<std::string> key;
  for (const auto& name : conflict_) {
    const auto c = std::find_if(columns_.begin(), columns_.end(), [&](auto& x) { return x.name == name; });
    if (c == columns_.end()) return std::nullopt;
    const auto value = as_document(c->value(p, nullptr));
    if (value.is_null()) return std::nullopt;
    key.push_back(value.is_string() ? value.get<std::string>() : value.dump());
  }
  return key;
}

std::vector<std::string> layout::columns(bool with_vector, bool with_text) const {
  std::vector<std::string> names;
  for (const auto& c : columns_)
    if (c.is_written(with_vector)) names.push_back(c.name);
  if (with_vector && vector_column_) names.push_back(*vector_column_);
  if (with_text && text_column_) names.push_back(*text_column_);
  return names;
}

json layout::fields_of(const product& p, const embedding* vector) const {
  json row = json::object();
  for (const auto& c : columns_)
    if (c.is_written(vector != nullptr)) row[c.name] = as_document(c.value(p, vector));
  return row;
}

std::vector<std::string> layout::different_columns(const json& row, const product& p) const {
  const auto wanted = fields_of(p, nullptr);
  std::vector<std::string> different;
  for (const auto& [name, value] : wanted.items()) {
    const auto held = row.find(name);
    const bool absent = held == row.end();
    // A numeric column may come as text.
    const bool as_text =
        !absent && held->is_string() && value.is_number() && number(held->get<std::string>()) == value;
    if (absent ? !value.is_null() : *held != value && !as_text) different.push_back(name);
  }
  return different;
}

std::string layout::row_text(const product& p, const embedding* vector, const embedding* text) const {
  std::string row;
  append_row(row, p, vector, text);
  return row;
}

void layout::append_row(std::string& out, const product& p, const embedding* vector,
                        const embedding* text) const {
  const auto begin = out.size();
  for (const auto place : by_name_) {
    const auto& c = columns_[place];
    if (!c.is_written(vector != nullptr)) continue;
    out += c.key;
    append_cell(out, c.value(p, vector));
  }
  const auto append = [&](const std::optional<std::string>& into, const embedding* numbers) {
    if (numbers == nullptr || !into) return;
    out += json_key(*into);
    append_vector(out, numbers->values);
  };
  append(vector_column_, vector);
  append(text_column_, text);
  if (out.size() == begin) out += '{';
  out[begin] = '{';  // in place of the first comma
  out += '}';
}

std::vector<layout::cell> layout::values(const product& p, const embedding* vector) const {
  std::vector<cell> all;
  all.reserve(columns_.size());
  for (const auto& c : columns_)
    if (c.is_written(vector != nullptr)) all.push_back(c.value(p, vector));
  return all;
}

json layout::row(const product& p, const embedding* vector) const {
  auto document = fields_of(p, vector);
  if (!vector || !vector_column_) return document;
  auto& numbers = document[*vector_column_] = json::array();
  // The double nearest to the float's shortest decimal is written as that decimal, and reads back as the same
  // float.
  for (const float value : vector->values) numbers.push_back(std::strtod(shortest(value).c_str(), nullptr));
  return document;
}

std::optional<std::string> detect_layout(const std::set<std::string>& columns) {
  const auto has = [&](const char* name) { return columns.count(name) > 0; };
  if (has("external_id") && has("embedding")) return "2025-10";
  if (!has("id") || !has("product_url")) return std::nullopt;
  if (has("embedding_model") || (has("currency") && has("availability"))) return "catwalk";
  if (has("image_embedding") || has("additional_images")) return "2026-02";
  return std::nullopt;
}

std::set<std::string> known_columns() {
  std::set<std::string> all{"image_embedding", "info_embedding", "embedding", "created_at"};
  for (const char* name : {"2025-10", "catwalk"})
    for (const auto& field : fields_of_layout(name)) all.emplace(field.name);
  return all;
}

std::string python_json(const json& value) {
  std::string out;
  write_python(value, out);
  return out;
}

json row_as_json(const product& p, const embedding* vector, const std::string& layout_name) {
  layout::settings wanted;
  if (layout_name != "auto" && !layout_name.empty()) wanted.name = layout_name;
  return layout::make(wanted, std::nullopt).value().row(p, vector);
}

}  // namespace catwalk::storage
