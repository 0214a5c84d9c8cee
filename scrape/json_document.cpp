#include "scrape/json_document.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "scrape/sound_json.hpp"
#include "scrape/text.hpp"

namespace catwalk::scrape {
namespace {

using nlohmann::json;

/// Builds the document without recursion and stops at the depth limit. nlohmann's own parser has no such
/// limit, and a deep value that exists cannot even be copied safely.
class document_builder : public nlohmann::json_sax<json> {
 public:
  document_builder(json& root, int max_depth, const json_reach& reach)
      : root_(root), max_depth_(max_depth), reach_(&reach) {}

  bool too_deep() const { return too_deep_; }
  std::size_t error_position() const { return error_position_; }
  const std::string& error_text() const { return error_text_; }

  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override { return put(value); }
  bool number_float(number_float_t value, const string_t& written) override {
    // An id of more digits than 64 bits hold would be rounded by a double.
    const bool whole = written.find_first_of(".eE") == std::string::npos;
    return whole ? put(written) : put(value);
  }
  bool string(string_t& value) override { return unwanted() || put(without_nul(value)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(json::value_t::object); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(json::value_t::array); }
  bool end_array() override { return close(); }
  bool key(string_t& value) override {
    if (skipped_ > 0) return true;
    key_ = without_nul(value);
    member_ = open_.back().place->find(key_);
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const json::exception& why) override {
    error_position_ = position;
    error_text_ = why.what();
    return false;
  }

 private:
  /// Where the next value stands; nullptr: nobody looks there.
  const json_reach* next_place() const {
    if (open_.empty()) return reach_;
    return open_.back().value->is_object() ? member_ : open_.back().place;
  }
  bool unwanted() const { return skipped_ > 0 || next_place() == nullptr; }

  json* place(json value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    json& parent = *open_.back().value;
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    json& member = parent[key_];
    member = std::move(value);
    return &member;
  }
  template <class Value>
  bool put(Value&& value) {
    if (!unwanted()) place(json(std::forward<Value>(value)));
    return true;
  }
  bool open(json::value_t kind) {
    if (static_cast<int>(open_.size() + skipped_) >= max_depth_) {
      too_deep_ = true;
      return false;
    }
    if (unwanted()) {
      ++skipped_;
      return true;
    }
    const json_reach* at = next_place();
    open_.push_back({place(json(kind)), at});
    return true;
  }
  bool close() {
    if (skipped_ > 0)
      --skipped_;
    else
      open_.pop_back();
    return true;
  }

  struct container {
    json* value;  ///< a parent does not grow while a child of it is open, so the pointer holds
    const json_reach* place;
  };

  json& root_;
  const int max_depth_;
  const json_reach* reach_;
  std::vector<container> open_;
  std::size_t skipped_ = 0;  ///< containers that are open and not built
  std::string key_;
  const json_reach* member_ = nullptr;  ///< the place of `key_`
  bool too_deep_ = false;
  std::size_t error_position_ = 0;
  std::string error_text_;
};

const json_reach& everything() {
  static const json_reach all = [] {
    json_reach whole;
    whole.take_whole();
    return whole;
  }();
  return all;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// The code unit of an escape `\uXXXX` at `at`, or -1.
int escaped_unit(std::string_view text, std::size_t at) {
  if (at + 6 > text.size() || text[at] != '\\' || text[at + 1] != 'u') return -1;
  int unit = 0;
  for (std::size_t i = at + 2; i < at + 6; ++i) {
    const int digit = hex_digit(text[i]);
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

/// Replaces escapes that are half of a surrogate pair (titles cut in the middle of an emoji), which the
/// parser refuses.
std::string with_whole_surrogates(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] != '\\') {
      out += text[i++];
      continue;
    }
    const int unit = escaped_unit(text, i);
    if (unit >= 0xD800 && unit < 0xDC00) {
      const int low = escaped_unit(text, i + 6);
      const bool pair = low >= 0xDC00 && low < 0xE000;
      out.append(pair ? text.substr(i, 12) : std::string_view("\\ufffd"));
      i += pair ? 12 : 6;
    } else if (unit >= 0xDC00 && unit < 0xE000) {
      out += "\\ufffd";
      i += 6;
    } else {
      out.append(text.substr(i, 2));  // with what it escapes, so that `\\u` is not taken for an escape
      i += 2;
    }
  }
  return out;
}

bool may_hold_surrogates(std::string_view text) {
  return text.find("\\ud") != std::string_view::npos || text.find("\\uD") != std::string_view::npos;
}

}  // namespace

std::string describe_body(std::string_view body) {
  const std::string_view text = trimmed(body);
  if (text.empty()) return "an empty body";
  const std::string start = lower_ascii(text.substr(0, 4096));
  if (start.starts_with("<!doctype html") || start.starts_with("<html") ||
      start.find("<head") != std::string::npos) {
    const std::size_t open = start.find("<title");
    const std::size_t from = open == std::string::npos ? open : start.find('>', open);
    const std::size_t to = from == std::string::npos ? from : start.find("</title", from);
    if (to == std::string::npos) return "an HTML page";
    const std::string_view title = trimmed(text.substr(from + 1, to - from - 1));
    return "an HTML page titled \"" + valid_utf8(title.substr(0, 80)) + '"';
  }
  if (start.starts_with("<?xml") || start.starts_with('<')) return "an XML document";
  const bool json_like = text.front() == '{' || text.front() == '[';
  return (json_like ? "damaged JSON that begins with \"" : "text that begins with \"") +
         valid_utf8(text.substr(0, 40)) + '"';
}

result<json> parse_json_document(std::string_view body, const std::string& on, int max_depth,
                                 const json_reach* reach) {
  if (!reach) reach = &everything();
  if (auto sound = read_sound_json(body, max_depth, *reach))
    return result<json>(boost::system::in_place_value, std::move(*sound));
  std::string repaired;
  if (!is_valid_utf8(body)) {
    repaired = valid_utf8(body);
    body = repaired;
  }
  if (may_hold_surrogates(body)) {
    repaired = with_whole_surrogates(body);
    body = repaired;
  }
  json document;
  document_builder builder(document, max_depth, *reach);
  if (json::sax_parse(body.begin(), body.end(), &builder)) {
    return result<json>(boost::system::in_place_value, std::move(document));
  }
  if (builder.too_deep()) {
    return error{errc::too_large, "cannot read JSON", on,
                 "values are nested more than " + std::to_string(max_depth) + " deep", ""};
  }
  std::string why = "expected JSON, found " + describe_body(body);
  if (const auto first = trimmed(body); !first.empty() && (first.front() == '{' || first.front() == '[')) {
    why = "the JSON is damaged or breaks off at byte " +
          std::to_string(std::min(builder.error_position(), body.size())) + " of " +
          std::to_string(body.size());
  }
  return error{errc::malformed, "cannot read JSON", on, std::move(why), ""};
}

}  // namespace catwalk::scrape
