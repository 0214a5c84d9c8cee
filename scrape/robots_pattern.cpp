#include <algorithm>
#include <array>

#include "scrape/robots.hpp"

namespace catwalk::scrape {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// The octet of the percent-encoding at `at`, or -1.
int encoded_octet(std::string_view text, std::size_t at) {
  if (text[at] != '%' || at + 2 >= text.size()) return -1;
  const int high = hex_digit(text[at + 1]), low = hex_digit(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/// Appends one character of `text` in its one spelling and returns how many it took.
std::size_t append_normalised(std::string& out, std::string_view text, std::size_t at, bool in_query) {
  const int octet = encoded_octet(text, at);
  if (octet < 0) {
    if (text[at] == '%')
      out += "%25";  // a percent sign that encodes nothing stands for itself
    else
      out += text[at];
    return 1;
  }
  const auto c = static_cast<char>(octet);
  const std::string_view kept = in_query ? "%#&=+" : "%#/?";
  if (octet < 0x20 || octet == 0x7F || kept.find(c) != std::string_view::npos) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    out += '%';
    out += digits[static_cast<std::size_t>(octet) >> 4];
    out += digits[static_cast<std::size_t>(octet) & 15];
  } else {
    out += c;
  }
  return 3;
}

}  // namespace

std::string normalise_robots_path(std::string_view path_and_query) {
  path_and_query = path_and_query.substr(0, path_and_query.find('#'));
  std::string out;
  out.reserve(path_and_query.size() + 1);
  if (!path_and_query.starts_with('/')) out += '/';
  bool in_query = false;
  for (std::size_t i = 0; i < path_and_query.size();) {
    in_query = in_query || path_and_query[i] == '?';
    i += append_normalised(out, path_and_query, i, in_query);
  }
  return out;
}

robots_pattern::robots_pattern(std::string_view text) : pieces_(1) {
  if (text.ends_with('$')) {
    anchored_ = true;
    text.remove_suffix(1);
    ++length_;
  }
  bool in_query = false;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '*') {
      // Several in a row say the same as one.
      if (pieces_.size() == 1 || !pieces_.back().empty()) pieces_.emplace_back();
      ++length_;
      ++i;
      continue;
    }
    in_query = in_query || text[i] == '?';
    i += append_normalised(pieces_.back(), text, i, in_query);
  }
  // Rules are weighed in octets as they travel: what is beyond ASCII is percent-encoded there.
  for (const auto& piece : pieces_)
    for (const char c : piece) length_ += (static_cast<unsigned char>(c) & 0x80) != 0 ? 3 : 1;
}

bool robots_pattern::matches(std::string_view path) const {
  if (!path.starts_with(pieces_.front())) return false;
  if (pieces_.size() == 1) return !anchored_ || path.size() == pieces_.front().size();
  std::size_t at = pieces_.front().size();
  // The leftmost place for each piece leaves the most room for the next.
  for (std::size_t i = 1; i + 1 < pieces_.size(); ++i) {
    const auto found = path.find(pieces_[i], at);
    if (found == std::string_view::npos) return false;
    at = found + pieces_[i].size();
  }
  const auto& last = pieces_.back();
  if (anchored_) return path.size() - at >= last.size() && path.ends_with(last);
  return path.find(last, at) != std::string_view::npos;
}

}  // namespace catwalk::scrape
