#include "scrape/xml_repair.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "scrape/markup_text.hpp"
#include "scrape/text.hpp"

namespace catwalk::scrape {
namespace {

constexpr std::string_view mark = "\xEF\xBB\xBF";
constexpr std::string_view cdata_begin = "<![CDATA[";
constexpr std::string_view cdata_end = "]]>";
constexpr std::size_t longest_reference = 12;
/// So much of the beginning shows which encoding the declaration names.
constexpr std::size_t declaration_size = 200;

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_known_to_xml(std::string_view reference) {
  constexpr std::array<std::string_view, 5> names{"&amp;", "&lt;", "&gt;", "&quot;", "&apos;"};
  return std::find(names.begin(), names.end(), reference) != names.end();
}

/// A character of UTF-8 that may go on in the next piece: how many bytes at the end of `text`.
std::size_t unfinished_character(std::string_view text) {
  for (std::size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if (byte < 0x80) return 0;
    if (byte >= 0xC0) {
      const std::size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2;
      return back < length ? back : 0;
    }
  }
  return 0;
}

}  // namespace

void xml_repair::find_encoding() {
  if (pending_.starts_with("\xFF\xFE") || pending_.starts_with("\xFE\xFF") ||
      std::string_view(pending_).substr(0, 4).find('\0') != std::string_view::npos) {
    encoding_ = encoding::utf16;
    return;
  }
  std::string_view text = pending_;
  if (text.starts_with(mark)) text.remove_prefix(mark.size());
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  pending_.erase(0, pending_.size() - text.size());
  text = pending_;
  encoding_ = encoding::utf8;
  const std::string declaration = lower_ascii(text.substr(0, std::min(text.find('>'), declaration_size)));
  if (!declaration.starts_with("<?xml")) return;
  const std::size_t at = declaration.find("encoding");
  if (at == std::string::npos) return;
  const std::string_view named = std::string_view(declaration).substr(at);
  if (named.find("utf-8") == std::string_view::npos && named.find("utf8") == std::string_view::npos)
    encoding_ = encoding::other_bytes;
}

std::size_t xml_repair::copy_reference(std::string& out, std::size_t at, bool last) const {
  const std::string_view rest = std::string_view(pending_).substr(at);
  std::size_t length = 1;
  if (length < rest.size() && rest[length] == '#') ++length;
  while (length < rest.size() && length < longest_reference && is_letter_or_digit(rest[length])) ++length;
  if (length == rest.size() && length < longest_reference && !last) return 0;  // the next piece decides
  const bool closed = length < rest.size() && rest[length] == ';';
  const std::string_view reference = rest.substr(0, length + 1);
  if (closed && is_known_to_xml(reference)) {
    out.append(reference);
    return reference.size();
  }
  if (closed && length > 1) {
    // HTML's names and numbers; numbers that XML forbids become the replacement character.
    std::string decoded = with_references_decoded(reference);
    if (decoded != reference) {
      const bool plain = decoded.size() > 1 || (decoded[0] >= ' ' && decoded[0] != '<' && decoded[0] != '&');
      out += plain ? decoded : decoded == "<" ? "&lt;" : decoded == "&" ? "&amp;" : " ";
      return reference.size();
    }
  }
  out += "&amp;";
  return 1;
}

std::string xml_repair::push(std::string_view piece, bool last) {
  pending_.append(piece);
  if (encoding_ == encoding::unknown) {
    if (pending_.size() < declaration_size && !last) return {};
    find_encoding();
  }
  if (encoding_ == encoding::utf16) return std::exchange(pending_, {});

  std::size_t end = pending_.size();
  if (encoding_ == encoding::utf8 && !last) end -= unfinished_character(pending_);
  std::string out;
  out.reserve(end + end / 16);
  std::size_t at = 0;
  while (at < end) {
    const char c = pending_[at];
    const std::string_view rest = std::string_view(pending_).substr(at);
    const std::string_view awaited = in_cdata_ ? cdata_end : cdata_begin;
    if (c == awaited[0]) {
      if (rest.starts_with(awaited)) {
        in_cdata_ = !in_cdata_;
        out.append(awaited);
        at += awaited.size();
        continue;
      }
      if (!last && rest.size() < awaited.size() && awaited.starts_with(rest)) break;
    }
    if (c == '&' && !in_cdata_) {
      const std::size_t taken = copy_reference(out, at, last);
      if (taken == 0) break;
      at += taken;
      continue;
    }
    const bool control = static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' && c != '\r';
    out += control ? ' ' : c;
    ++at;
  }
  pending_.erase(0, at);
  if (encoding_ == encoding::utf8 && !is_valid_utf8(out)) return valid_utf8(out);
  return out;
}

}  // namespace catwalk::scrape
