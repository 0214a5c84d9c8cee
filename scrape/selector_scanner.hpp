#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace catwalk::scrape::css {

/// Reads the tokens of CSS out of a text, from left to right. Throws `selector_error`.
class scanner {
 public:
  explicit scanner(std::string_view text) : text_(text) {}

  std::size_t position() const noexcept { return at_; }
  void go_back(std::size_t position) noexcept { at_ = position; }
  bool at_end() const noexcept { return at_ >= text_.size(); }
  /// The byte `ahead` places on; 0 behind the end.
  char peek(std::size_t ahead = 0) const noexcept {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  void skip(std::size_t bytes = 1) noexcept { at_ += bytes; }
  /// Takes the byte where it is the next one.
  bool take(char c) noexcept;
  /// As take(); an error that names what was expected where it is not the next one.
  void expect(char c);

  /// Passes blanks and comments; whether there were blanks.
  bool skip_blanks();

  /// Passes comments alone: within `a/* */.b` they separate nothing.
  void skip_comments();

  bool starts_name() const noexcept;
  /// An identifier, its escapes resolved.
  std::string name();
  /// The characters of a name, which may begin with a digit or hyphen.
  std::string name_characters();
  /// Takes the name where it is this one, in lower or upper case.
  bool take_word(std::string_view lower_case);
  bool starts_string() const noexcept { return peek() == '"' || peek() == '\''; }
  std::string string();

  /// The character that stands next, for messages: "\"x\"" or "the end".
  std::string found() const;
  [[noreturn]] void fail(std::string message) const { fail_at(at_, std::move(message)); }
  [[noreturn]] static void fail_at(std::size_t offset, std::string message);

 private:
  bool starts_escape(std::size_t ahead) const noexcept;
  std::string escape();

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace catwalk::scrape::css
