#include "scrape/feed_table.hpp"

#include <algorithm>
#include <utility>

#include "scrape/text.hpp"

namespace catwalk::scrape {
namespace {

using nlohmann::json;

constexpr std::size_t longest_row = 1'000'000;

/// "Image link", "g:image_link" and "image_link" are one.
std::string attribute_name(std::string_view written) {
  std::string name = lower_ascii(trimmed(written));
  if (name.starts_with("g:")) name.erase(0, 2);
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
}

/// Addresses that a comma parts: a comma inside an address is not followed by another address.
void add_addresses(std::string_view text, json& list) {
  while (!text.empty()) {
    std::size_t end = text.find(',');
    while (end != std::string_view::npos) {
      const std::string_view rest = trimmed(text.substr(end + 1));
      if (rest.empty() || rest.starts_with("http") || rest.starts_with("//")) break;
      end = text.find(',', end + 1);
    }
    const std::string_view one = trimmed(text.substr(0, end));
    if (!one.empty()) list.push_back(one);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
}

}  // namespace

result<void> feed_table::push(std::string_view piece, bool last) {
  for (const char c : piece) {
    if (++row_bytes_ > longest_row)
      return failure(errc::too_large, "the row has more than " + std::to_string(longest_row) + " bytes");
    if (state_ == state::quoted) {
      if (c == '"') {
        state_ = state::quote_in_quoted;
      } else {
        value_ += c;
      }
      continue;
    }
    if (state_ == state::quote_in_quoted && c == '"') {
      value_ += c;
      state_ = state::quoted;
    } else if (c == '\t' || c == '\n') {
      end_value();
      if (c == '\t') continue;
      if (auto read = read_row(); read.has_error()) return read;
    } else if (state_ == state::start && c == '"') {
      state_ = state::quoted;
    } else {
      // What follows a closing quote is kept: the quote was none.
      value_ += c;
      state_ = state::plain;
    }
  }
  if (!last) return {};
  if (state_ == state::quoted) return failure(errc::malformed, "a quote is not closed");
  end_value();
  return read_row();
}

void feed_table::end_value() {
  std::erase(value_, '\0');  // no database takes it
  row_.push_back(valid_utf8(std::exchange(value_, {})));
  state_ = state::start;
}

result<void> feed_table::read_row() {
  const std::vector<std::string> row = std::exchange(row_, {});
  row_bytes_ = 0;
  ++line_;
  const bool blank = std::all_of(row.begin(), row.end(), [](const auto& v) { return trimmed(v).empty(); });
  if (blank) return {};
  if (names_.empty()) {
    for (const std::string& name : row) names_.push_back(attribute_name(name));
    if (std::find(names_.begin(), names_.end(), "id") == names_.end()) {
      --line_;
      return failure(errc::malformed, "the first line has no column `id`: it begins with \"" +
                                          row.front().substr(0, 60) + '"');
    }
    return {};
  }
  json item = json::object();
  for (std::size_t i = 0; i < std::min(row.size(), names_.size()); ++i) {
    const std::string_view value = trimmed(row[i]);
    if (value.empty() || names_[i].empty()) continue;
    json& kept = item[names_[i]];
    if (names_[i] == "additional_image_link") {
      if (!kept.is_array()) kept = json::array();
      add_addresses(value, kept);
    } else if (kept.is_null()) {
      kept = value;
    } else {
      if (!kept.is_array()) kept = json::array({std::move(kept)});
      kept.push_back(value);
    }
  }
  items_.push_back(std::move(item));
  return {};
}

std::vector<json> feed_table::take() {
  return std::exchange(items_, {});
}

error feed_table::failure(errc code, std::string why) const {
  return {code, "cannot read the feed", on_, "line " + std::to_string(line_) + ": " + std::move(why), ""};
}

}  // namespace catwalk::scrape
