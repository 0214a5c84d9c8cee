#include "scrape/selector_scanner.hpp"

#include <cstdint>
#include <utility>

#include "scrape/selector.hpp"
#include "scrape/text.hpp"

namespace catwalk::scrape::css {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool starts_ident(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool continues_ident(char c) {
  return starts_ident(c) || is_digit(c) || c == '-';
}

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  return (c >= 'a' ? c - 'a' : c - 'A') + 10;
}

std::string as_utf8(std::uint32_t code) {
  if (code == 0 || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) code = 0xFFFD;
  std::string out;
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
  return out;
}

}  // namespace

void scanner::fail_at(std::size_t offset, std::string message) {
  throw selector_error{offset, std::move(message)};
}

std::string scanner::found() const {
  if (at_end()) return "the end";
  std::size_t length = 1;  // of a character in UTF-8
  while (at_ + length < text_.size() && (static_cast<unsigned char>(text_[at_ + length]) & 0xC0) == 0x80) {
    ++length;
  }
  return '"' + std::string(text_.substr(at_, length)) + '"';
}

bool scanner::take(char c) noexcept {
  if (at_end() || peek() != c) return false;
  ++at_;
  return true;
}

void scanner::expect(char c) {
  if (!take(c)) fail(std::string("expected \"") + c + "\", found " + found());
}

void scanner::skip_comments() {
  while (peek() == '/' && peek(1) == '*') {
    const std::size_t end = text_.find("*/", at_ + 2);
    if (end == std::string_view::npos) fail("a comment without an end");
    at_ = end + 2;
  }
}

bool scanner::skip_blanks() {
  bool blanks = false;
  for (;;) {
    skip_comments();
    if (at_end() || !is_blank(peek())) return blanks;
    ++at_;
    blanks = true;
  }
}

bool scanner::starts_escape(std::size_t ahead) const noexcept {
  return peek(ahead) == '\\' && at_ + ahead + 1 < text_.size() && peek(ahead + 1) != '\n';
}

bool scanner::starts_name() const noexcept {
  if (starts_ident(peek()) || starts_escape(0)) return true;
  return peek() == '-' && (starts_ident(peek(1)) || peek(1) == '-' || starts_escape(1));
}

std::string scanner::escape() {
  ++at_;  // the backslash
  if (!is_hex(peek())) {
    std::string one(1, text_[at_++]);
    return one[0] == '\0' ? as_utf8(0) : one;
  }
  std::uint32_t code = 0;
  for (int digits = 0; digits < 6 && is_hex(peek()); ++digits) {
    code = code * 16 + static_cast<std::uint32_t>(hex_value(text_[at_++]));
  }
  if (peek() == '\r' && peek(1) == '\n') ++at_;
  if (!at_end() && is_blank(peek())) ++at_;
  return as_utf8(code);
}

std::string scanner::name() {
  if (!starts_name()) fail("expected a name, found " + found());
  return name_characters();
}

std::string scanner::name_characters() {
  std::string out;
  for (;;) {
    if (!at_end() && continues_ident(peek())) {
      out += text_[at_++];
    } else if (starts_escape(0)) {
      out += escape();
    } else {
      return out;
    }
  }
}

bool scanner::take_word(std::string_view lower_case) {
  const std::size_t start = at_;
  if (starts_name() && lower_ascii(name()) == lower_case) return true;
  at_ = start;
  return false;
}

std::string scanner::string() {
  const std::size_t start = at_;
  const char quote = text_[at_++];
  std::string out;
  for (;;) {
    if (at_end() || peek() == '\n') fail_at(start, "a text without its closing quote");
    const char c = peek();
    if (c == quote) {
      ++at_;
      return out;
    }
    if (c != '\\') {
      out += c;
      ++at_;
    } else if (peek(1) == '\n') {
      at_ += 2;  // a text that continues on the next line
    } else if (at_ + 1 >= text_.size()) {
      fail_at(start, "a text without its closing quote");
    } else {
      out += escape();
    }
  }
}

}  // namespace catwalk::scrape::css
