#include "core/product.hpp"

#include <charconv>
#include <string_view>
#include <type_traits>
#include <utility>

#include "core/json_string.hpp"
#include "core/json_text.hpp"
#include "core/product_text.hpp"
#include "core/sha256.hpp"

namespace catwalk {
namespace {

// One list of members, so that writing, reading and hashing cannot drift apart; sorted, as canonical JSON has
// them.
template <class Product, class Visitor>
void visit_members(Product& p, Visitor&& visit) {
  visit("additional_images", p.additional_images);
  visit("affiliate_url", p.affiliate_url);
  visit("availability", p.availability);
  visit("brand", p.brand);
  visit("category", p.category);
  visit("category_field", p.category_field);
  visit("color_names", p.color_names);
  visit("country", p.country);
  visit("country_field", p.country_field);
  visit("currency", p.currency);
  visit("description", p.description);
  visit("endpoint", p.endpoint);
  visit("external_id", p.external_id);
  visit("gender", p.gender);
  visit("image_url", p.image_url);
  visit("merchant", p.merchant);
  visit("metadata", p.metadata);
  visit("other", p.other);
  visit("price", p.price);
  visit("price_amount", p.price_amount);
  visit("product_url", p.product_url);
  visit("raw_gender", p.raw_gender);
  visit("raw_image_url", p.raw_image_url);
  visit("sale", p.sale);
  visit("sale_amount", p.sale_amount);
  visit("second_hand", p.second_hand);
  visit("size", p.size);
  visit("source", p.source);
  visit("subcategory", p.subcategory);
  visit("title", p.title);
}

struct json_writer {
  nlohmann::json& out;
  template <class T>
  void operator()(const char* name, const T& value) const {
    out[name] = value;
  }
  template <class T>
  void operator()(const char* name, const std::optional<T>& value) const {
    if (value) out[name] = *value;
  }
};

/// Appends members to an object in text.
struct text_writer {
  std::string& out;

  void operator()(std::string_view name, const std::string& value) const {
    key(name);
    append_json_string(out, value);
  }
  void operator()(std::string_view name, bool value) const {
    key(name);
    out += value ? "true" : "false";
  }
  void operator()(std::string_view name, const std::vector<std::string>& values) const {
    key(name);
    out += '[';
    for (const std::string& value : values) {
      if (out.back() != '[') out += ',';
      append_json_string(out, value);
    }
    out += ']';
  }
  void operator()(std::string_view name, const nlohmann::json& value) const {
    key(name);
    out += json_text(value);
  }
  template <class T>
  void operator()(std::string_view name, const std::optional<T>& value) const {
    if (value) (*this)(name, *value);
  }

  void key(std::string_view name) const {
    if (out.back() != '{') out += ',';
    out += '"';
    out += name;
    out += "\":";
  }
};

struct json_reader {
  const nlohmann::json& in;
  template <class T>
  void operator()(const char* name, T& value) const {
    if (auto it = in.find(name); it != in.end()) it->get_to(value);
  }
  void operator()(const char* name, nlohmann::json& value) const {
    if (auto it = in.find(name); it != in.end()) value = *it;
  }
  template <class T>
  void operator()(const char* name, std::optional<T>& value) const {
    if (auto it = in.find(name); it != in.end() && !it->is_null()) value = it->template get<T>();
  }
};

/// Takes a product out of its text member by member, each where to_text() writes it. Ends at what to_text()
/// does not write: what follows is not read then, and done() is false.
class product_scanner {
 public:
  explicit product_scanner(std::string_view text) : rest_(text) { sound_ = take('{'); }

  template <class T>
  void operator()(std::string_view name, T& value) {
    if (sound_ && find(name)) sound_ = read(value);
  }
  bool done() const noexcept { return sound_ && rest_ == "}"; }

 private:
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  /// Goes to the value where this member is the next one.
  bool find(std::string_view name) {
    auto after = rest_;
    const auto skip = [&after](std::string_view words) {
      if (!after.starts_with(words)) return false;
      after.remove_prefix(words.size());
      return true;
    };
    if (!skip(first_ ? "\"" : ",\"") || !skip(name) || !skip("\":")) return false;
    rest_ = after;
    first_ = false;
    return true;
  }
  bool read(std::string& value) {
    if (!rest_.starts_with('"')) return false;
    const auto plain = rest_.substr(1, plain_json_length(rest_.substr(1)));
    const auto end = plain.size() + 1;
    if (end == rest_.size()) return false;
    if (rest_[end] != '"') return read_document(value);
    value = plain;
    rest_.remove_prefix(end + 1);
    return true;
  }
  bool read(std::optional<std::string>& value) { return read(value.emplace()); }
  bool read(std::vector<std::string>& values) {
    if (!take('[')) return false;
    values.clear();
    if (take(']')) return true;
    do {
      if (!read(values.emplace_back())) return false;
    } while (take(','));
    return take(']');
  }
  bool read(bool& value) {
    value = rest_.starts_with("true");
    if (!value && !rest_.starts_with("false")) return false;
    rest_.remove_prefix(value ? 4 : 5);
    return true;
  }
  bool read(int& value) {
    const auto [end, problem] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    const auto digits = rest_.substr(0, static_cast<std::size_t>(end - rest_.data()));
    rest_.remove_prefix(digits.size());
    return problem == std::errc() && digits == std::to_string(value);  // JSON knows no 007
  }
  bool read(nlohmann::json& value) { return read_document(value); }

  /// By nlohmann::json, which judges escapes, UTF-8 and whatever is nested.
  template <class T>
  bool read_document(T& value) {
    const auto length = json_length(rest_);
    const auto document = nlohmann::json::parse(rest_.substr(0, length), nullptr, false);
    if constexpr (std::is_same_v<T, std::string>)
      if (!document.is_string()) return false;
    if (document.is_discarded()) return false;
    document.get_to(value);
    rest_.remove_prefix(length);
    return true;
  }
  /// How much of `text` the value at its beginning takes, if it is sound.
  static std::size_t json_length(std::string_view text) {
    int depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      if (in_string) {
        if (c == '\\') ++i;
        in_string = c != '"';
        if (in_string || depth > 0) continue;
        return i + 1;
      }
      if (depth == 0 && (c == ',' || c == '}')) return i;
      in_string = c == '"';
      depth += c == '{' || c == '[' ? 1 : 0;
      depth -= c == '}' || c == ']' ? 1 : 0;
      if (depth == 0 && (c == '}' || c == ']')) return i + 1;
    }
    return text.size();
  }

  std::string_view rest_;
  bool first_ = true;
  bool sound_ = true;
};

}  // namespace

std::string product::info_text() const {
  std::string text;
  const auto add = [&text](std::string_view label, const std::string& value) {
    if (value.empty()) return;
    if (!text.empty()) text += ' ';
    text += label;
    text += value;
  };
  const auto add_optional = [&add](std::string_view label, const std::optional<std::string>& value) {
    if (value) add(label, *value);
  };
  add("", title);
  add_optional("", description);
  add_optional("", category);
  add_optional("", brand);
  add_optional("Size: ", size);
  add_optional("", gender);
  add_optional("Price: ", price);
  add_optional("Sale: ", sale);
  add_optional("", other);
  for (const auto& [key, value] : metadata.items()) {
    if (value.is_null()) continue;
    add(key + ": ", value.is_string() ? value.get<std::string>() : value.dump());
  }
  return text;
}

std::string product::field_hash() const {
  return product_text(*this).field_hash();
}

product_text::product_text(const product& p) : product_(p) {
  text_.reserve(1024);
  visit_members(p, text_writer{text_});
}

std::string product_text::field_hash() const {
  sha256 hash;
  hash.update(text_);
  hash.update("}");
  return to_hex(hash.finish());
}

std::string product_text::whole() && {
  const text_writer write{text_};
  write.key("endpoint_index");
  text_ += std::to_string(product_.endpoint_index);
  write("id", product_.id.str());
  if (!product_.raw_item.is_null()) write("raw_item", product_.raw_item);
  write("site", product_.site.str());
  text_ += '}';
  return std::move(text_);
}

std::string to_text(const product& p) {
  return product_text(p).whole();
}

nlohmann::json to_json(const product& p) {
  nlohmann::json out{{"id", p.id.str()}, {"site", p.site.str()}, {"endpoint_index", p.endpoint_index}};
  visit_members(p, json_writer{out});
  if (!p.raw_item.is_null()) out["raw_item"] = p.raw_item;
  return out;
}

product product_from_json(const nlohmann::json& j) {
  product p;
  p.id = product_id(j.value("id", std::string()));
  p.site = site_name(j.value("site", std::string()));
  p.endpoint_index = j.value("endpoint_index", 0);
  visit_members(p, json_reader{j});
  if (const auto raw = j.find("raw_item"); raw != j.end()) p.raw_item = *raw;
  return p;
}

product product_from_text(std::string_view text) {
  product p;
  std::string id, site;
  product_scanner scan(text);
  visit_members(p, scan);
  scan("endpoint_index", p.endpoint_index);
  scan("id", id);
  scan("raw_item", p.raw_item);
  scan("site", site);
  // What another version wrote, and what is wrong, is the document's to judge.
  if (!scan.done()) return product_from_json(nlohmann::json::parse(text));
  p.id = product_id(std::move(id));
  p.site = site_name(std::move(site));
  return p;
}

}  // namespace catwalk
