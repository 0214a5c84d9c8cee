#include "scrape/markup_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

#include "scrape/text.hpp"

namespace catwalk::scrape {
namespace {

struct named_reference {
  std::string_view name;
  std::uint32_t code;
};

// What descriptions use; in the order of their names.
constexpr std::array<named_reference, 75> named{{
    {"Aacute", 0xC1},  {"Agrave", 0xC0},   {"Auml", 0xC4},    {"Ccedil", 0xC7}, {"Eacute", 0xC9},
    {"Egrave", 0xC8},  {"Oacute", 0xD3},   {"Ouml", 0xD6},    {"Uacute", 0xDA}, {"Uuml", 0xDC},
    {"aacute", 0xE1},  {"acirc", 0xE2},    {"aelig", 0xE6},   {"agrave", 0xE0}, {"amp", 0x26},
    {"apos", 0x27},    {"aring", 0xE5},    {"atilde", 0xE3},  {"auml", 0xE4},   {"bdquo", 0x201E},
    {"bull", 0x2022},  {"ccedil", 0xE7},   {"cent", 0xA2},    {"copy", 0xA9},   {"deg", 0xB0},
    {"eacute", 0xE9},  {"ecirc", 0xEA},    {"egrave", 0xE8},  {"emsp", 0x2003}, {"ensp", 0x2002},
    {"euml", 0xEB},    {"euro", 0x20AC},   {"frac12", 0xBD},  {"frac14", 0xBC}, {"frac34", 0xBE},
    {"gt", 0x3E},      {"hellip", 0x2026}, {"iacute", 0xED},  {"icirc", 0xEE},  {"iexcl", 0xA1},
    {"igrave", 0xEC},  {"iquest", 0xBF},   {"iuml", 0xEF},    {"laquo", 0xAB},  {"ldquo", 0x201C},
    {"lsquo", 0x2018}, {"lt", 0x3C},       {"mdash", 0x2014}, {"micro", 0xB5},  {"middot", 0xB7},
    {"nbsp", 0xA0},    {"ndash", 0x2013},  {"ntilde", 0xF1},  {"oacute", 0xF3}, {"ocirc", 0xF4},
    {"ograve", 0xF2},  {"ordf", 0xAA},     {"ordm", 0xBA},    {"oslash", 0xF8}, {"otilde", 0xF5},
    {"ouml", 0xF6},    {"pound", 0xA3},    {"quot", 0x22},    {"raquo", 0xBB},  {"rdquo", 0x201D},
    {"reg", 0xAE},     {"rsquo", 0x2019},  {"sbquo", 0x201A}, {"szlig", 0xDF},  {"times", 0xD7},
    {"trade", 0x2122}, {"uacute", 0xFA},   {"ucirc", 0xFB},   {"uuml", 0xFC},   {"yen", 0xA5},
}};
static_assert(std::is_sorted(named.begin(), named.end(),
                             [](const auto& a, const auto& b) { return a.name < b.name; }));

void append_utf8(std::string& out, std::uint32_t code) {
  const auto byte = [&out](std::uint32_t value) { out += static_cast<char>(value); };
  if (code < 0x80) {
    byte(code);
  } else if (code < 0x800) {
    byte(0xC0 | code >> 6U);
    byte(0x80 | (code & 0x3FU));
  } else if (code < 0x10000) {
    byte(0xE0 | code >> 12U);
    byte(0x80 | (code >> 6U & 0x3FU));
    byte(0x80 | (code & 0x3FU));
  } else {
    byte(0xF0 | code >> 18U);
    byte(0x80 | (code >> 12U & 0x3FU));
    byte(0x80 | (code >> 6U & 0x3FU));
    byte(0x80 | (code & 0x3FU));
  }
}

/// The character that a reference means, its `&` and `;` left out.
std::optional<std::uint32_t> meaning_of(std::string_view reference) {
  if (!reference.starts_with('#')) {
    const auto* found =
        std::lower_bound(named.begin(), named.end(), reference,
                         [](const auto& entry, std::string_view name) { return entry.name < name; });
    if (found == named.end() || found->name != reference) return std::nullopt;
    return found->code;
  }
  reference.remove_prefix(1);
  const bool hex = reference.starts_with('x') || reference.starts_with('X');
  if (hex) reference.remove_prefix(1);
  std::uint32_t code = 0;
  const auto [end, ec] =
      std::from_chars(reference.data(), reference.data() + reference.size(), code, hex ? 16 : 10);
  if (ec != std::errc() || end != reference.data() + reference.size() || reference.empty())
    return std::nullopt;
  // NUL, surrogates and what is beyond Unicode become the replacement character, as in HTML.
  if (code == 0 || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return 0xFFFD;
  return code;
}

/// The end of the tag, comment or script that begins at `at`.
std::size_t end_of_markup(std::string_view html, std::size_t at) {
  const auto after = [&](std::string_view mark, std::size_t from) {
    const std::size_t found = html.find(mark, from);
    return found == std::string_view::npos ? html.size() : found + mark.size();
  };
  if (html.substr(at).starts_with("<!--")) return after("-->", at + 4);
  const std::size_t end = after(">", at);
  for (const std::string_view raw : {"script", "style"}) {
    if (lower_ascii(html.substr(at + 1, raw.size())) != raw) continue;
    for (std::size_t close = end; close < html.size(); ++close) {
      close = html.find("</", close);
      if (close == std::string_view::npos) return html.size();
      if (lower_ascii(html.substr(close + 2, raw.size())) == raw) return after(">", close);
    }
    return html.size();
  }
  return end;
}

bool begins_markup(std::string_view rest) {
  if (rest.size() < 2) return false;
  const char c = rest[1];
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '/' || c == '!';
}

/// Tags within a line part no words.
bool is_inline(std::string_view tag) {
  constexpr std::array<std::string_view, 22> names{
      "a",   "abbr",  "b",    "bdi", "cite",  "code", "del",    "em",  "font", "i", "ins",
      "kbd", "label", "mark", "s",   "small", "span", "strong", "sub", "sup",  "u", "wbr"};
  tag.remove_prefix(tag.starts_with("</") ? 2 : 1);
  const std::string name = lower_ascii(tag.substr(0, tag.find_first_of(" \t\r\n/>")));
  return std::binary_search(names.begin(), names.end(), name);
}

std::string without_tags(std::string_view html) {
  std::string text;
  text.reserve(html.size());
  for (std::size_t at = 0; at < html.size();) {
    if (html[at] == '<' && begins_markup(html.substr(at))) {
      const std::size_t end = end_of_markup(html, at);
      if (!is_inline(html.substr(at, end - at))) text += ' ';
      at = end;
      continue;
    }
    const std::size_t next = std::min(html.find('<', at + 1), html.size());
    text.append(html.substr(at, next - at));
    at = next;
  }
  return text;
}

std::string with_single_blanks(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool no_break = text.substr(i).starts_with("\u00a0");
    if (no_break) ++i;
    const char c = text[i];
    if (no_break || c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
      if (!out.empty() && out.back() != ' ') out += ' ';
    } else if (c != '\0') {
      out += c;
    }
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

}  // namespace

std::string with_references_decoded(std::string_view text) {
  constexpr std::size_t longest = 10;
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t next = std::min(text.find('&', at), text.size());
    out.append(text.substr(at, next - at));
    at = next;
    if (at == text.size()) break;
    const std::size_t end = text.substr(at, longest).find(';');
    const auto code = end == std::string_view::npos ? std::nullopt : meaning_of(text.substr(at + 1, end - 1));
    if (code) {
      append_utf8(out, *code);
      at += end + 1;
    } else {
      out += text[at++];
    }
  }
  return out;
}

std::string text_of_markup(std::string_view html) {
  std::string text = with_single_blanks(with_references_decoded(without_tags(html)));
  const bool escaped_twice = text.starts_with('<') && text.ends_with('>') && begins_markup(text);
  return escaped_twice ? with_single_blanks(with_references_decoded(without_tags(text))) : text;
}

}  // namespace catwalk::scrape
