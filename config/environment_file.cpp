#include "config/environment_file.hpp"

#include <cctype>
#include <optional>

#include "config/text_encoding.hpp"
#include "config/yaml_value.hpp"

namespace catwalk::config {
namespace {

bool is_name_start(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) || c == '_';
}
bool is_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.';
}
bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

class line_parser {
 public:
  line_parser(std::string_view text, std::string file, const std::map<std::string, std::string>& outer)
      : text_(text), file_(std::move(file)), outer_(outer) {}

  environment_file parse() {
    while (at_ < text_.size()) {
      const std::size_t line_start = at_;
      const int line = line_;
      skip_blanks();
      if (peek() == '#' || peek() == '\n' || at_ >= text_.size()) {
        skip_line();
        continue;
      }
      skip_export();
      const place where{file_, line, static_cast<int>(at_ - line_start) + 1};
      const std::string name = read_name();
      skip_blanks();
      if (name.empty() || peek() != '=') {
        warn(result_.found, where, "not a line of the form NAME=value; it is ignored");
        skip_line();
        continue;
      }
      ++at_;
      skip_blanks();
      auto value = read_value(where);
      if (value) result_.values[name] = {std::move(*value), where};
    }
    return std::move(result_);
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_blanks() {
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
  }
  void skip_line() {
    while (at_ < text_.size() && text_[at_] != '\n') ++at_;
    if (at_ < text_.size()) {
      ++at_;
      ++line_;
    }
  }
  void skip_export() {
    if (text_.substr(at_, 6) != "export" || at_ + 6 >= text_.size() || !is_blank(text_[at_ + 6])) return;
    at_ += 6;
    skip_blanks();
  }
  std::string read_name() {
    const std::size_t start = at_;
    if (is_name_start(peek())) {
      while (is_name(peek())) ++at_;
    }
    return std::string(text_.substr(start, at_ - start));
  }

  std::optional<std::string> read_value(const place& where) {
    const char quote = peek();
    if (quote != '"' && quote != '\'') return read_bare();
    const std::size_t start = at_;
    const int start_line = line_;
    ++at_;
    std::string value;
    while (at_ < text_.size() && text_[at_] != quote) {
      char c = text_[at_];
      if (c == '\n') ++line_;
      if (c == '$' && quote == '"') {
        value += expansion();
        continue;
      }
      if (c == '\\' && at_ + 1 < text_.size()) {
        const char next = text_[at_ + 1];
        if (next == quote || next == '\\') {
          c = next;
          ++at_;
        } else if (quote == '"' && (next == 'n' || next == 't' || next == 'r' || next == '$')) {
          c = next == 'n' ? '\n' : next == 't' ? '\t' : next == 'r' ? '\r' : '$';
          ++at_;
        }
      }
      value += c;
      ++at_;
    }
    if (at_ >= text_.size()) {
      at_ = start;
      line_ = start_line;
      skip_line();
      refuse(result_.found, where, "a quote that is not closed", "close it on this line, or drop it");
      return std::nullopt;
    }
    ++at_;
    skip_blanks();
    if (at_ < text_.size() && peek() != '\n' && peek() != '#') {
      warn(result_.found, where, "text behind the closing quote; it is ignored");
    }
    skip_line();
    return value;
  }

  std::string read_bare() {
    std::string value;
    while (at_ < text_.size() && text_[at_] != '\n') {
      // A comment begins with a blank, so that a value may hold a number sign.
      if (text_[at_] == '#' && (value.empty() || is_blank(value.back()))) break;
      if (text_[at_] == '$') {
        value += expansion();
      } else {
        value += text_[at_++];
      }
    }
    skip_line();
    while (!value.empty() && is_blank(value.back())) value.pop_back();
    return value;
  }

  /// What `${NAME}` at the current place stands for; "$" where no such form is.
  std::string expansion() {
    const std::size_t end = text_.find_first_of("}\n", at_);
    if (text_.substr(at_, 2) != "${" || end == std::string_view::npos || text_[end] != '}') {
      ++at_;
      return "$";
    }
    const std::string_view inside = text_.substr(at_ + 2, end - at_ - 2);
    at_ = end + 1;
    const std::size_t separator = inside.find(":-");
    const std::string name(inside.substr(0, separator));
    if (const auto found = outer_.find(name); found != outer_.end()) return found->second;
    if (const auto found = result_.values.find(name); found != result_.values.end())
      return found->second.value;
    return separator == std::string_view::npos ? std::string() : std::string(inside.substr(separator + 2));
  }

  std::string_view text_;
  std::string file_;
  const std::map<std::string, std::string>& outer_;
  std::size_t at_ = 0;
  int line_ = 1;
  environment_file result_;
};

}  // namespace

environment_file parse_environment_file(std::string_view raw, const std::string& file_name,
                                        const std::map<std::string, std::string>& outer) {
  const decoded_text decoded = to_utf8(raw);
  if (!decoded.error.empty()) {
    environment_file failed;
    refuse(failed.found, {file_name, static_cast<int>(decoded.line), static_cast<int>(decoded.column)},
           decoded.error, "save the file as UTF-8");
    return failed;
  }
  return line_parser(decoded.text, file_name, outer).parse();
}

}  // namespace catwalk::config
