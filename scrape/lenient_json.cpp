#include "scrape/lenient_json.hpp"

#include "scrape/json_document.hpp"
#include "scrape/text.hpp"

namespace catwalk::scrape {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/// Without the marks that hide a script from old browsers.
std::string_view unwrapped(std::string_view text) {
  text = trimmed(text);
  const auto strip = [&](std::string_view open, std::string_view close) {
    if (!text.starts_with(open)) return;
    text.remove_prefix(open.size());
    text = trimmed(text);
    if (text.ends_with(close)) text.remove_suffix(close.size());
    text = trimmed(text);
  };
  if (text.starts_with("<!--") && !text.ends_with("-->")) {  // a comment before it, not around it
    text = trimmed(text.substr(std::min(text.find("-->"), text.size() - 3) + 3));
  }
  strip("<!--", "-->");
  strip("//<![CDATA[", "//]]>");
  strip("/*<![CDATA[*/", "/*]]>*/");
  strip("<![CDATA[", "]]>");
  while (text.ends_with(';')) text = trimmed(text.substr(0, text.size() - 1));
  return text;
}

/// Rewrites what JSON does not permit; what it cannot mend it copies.
class mender {
 public:
  explicit mender(std::string_view text) : text_(text) { out_.reserve(text.size()); }

  std::string mended() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        copy_string();
      } else if (c == '/' && skip_comment()) {
        continue;
      } else if (c == ',') {
        ++at_;
        pending_comma_ = !out_.empty() && last_ != '[' && last_ != '{';
      } else if (is_blank(c)) {
        ++at_;
      } else {
        put(c);
        ++at_;
      }
    }
    return std::move(out_);
  }

 private:
  void put(char c) {
    if (pending_comma_ && c != ']' && c != '}') out_ += ',';
    pending_comma_ = false;
    // Words that a comment or line break kept apart stay apart: `1 2` is an error, not 12.
    if (at_ > 0 && is_blank(text_[at_ - 1]) && !out_.empty()) out_ += ' ';
    out_ += c;
    last_ = c;
  }

  bool skip_comment() {
    if (text_.substr(at_, 2) == "//") {
      at_ = std::min(text_.find('\n', at_), text_.size());
      return true;
    }
    if (text_.substr(at_, 2) == "/*") {
      const std::size_t end = text_.find("*/", at_ + 2);
      at_ = end == std::string_view::npos ? text_.size() : end + 2;
      return true;
    }
    return false;
  }

  void copy_string() {
    put('"');
    ++at_;
    while (at_ < text_.size() && text_[at_] != '"') {
      const char c = text_[at_];
      if (c == '\\') {
        copy_escape();
      } else if (static_cast<unsigned char>(c) < 0x20) {
        out_ += c == '\n' ? "\\n" : c == '\t' ? "\\t" : c == '\r' ? "\\r" : " ";
        ++at_;
      } else {
        out_ += c;
        ++at_;
      }
    }
    if (at_ < text_.size()) {
      out_ += '"';
      ++at_;
    }
    last_ = '"';
  }

  void copy_escape() {
    const char escaped = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    if (std::string_view("\"\\/bfnrtu").find(escaped) != std::string_view::npos && escaped != '\0') {
      out_ += text_.substr(at_, 2);
      at_ += 2;
    } else if (escaped == 'x' && at_ + 3 < text_.size() && is_hex(text_[at_ + 2]) && is_hex(text_[at_ + 3])) {
      out_ += "\\u00";
      out_ += text_.substr(at_ + 2, 2);
      at_ += 4;
    } else if (escaped == '\n' || escaped == '\r') {
      at_ += 2;  // a text that goes on in the next line
    } else {
      ++at_;  // the character itself was meant
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string out_;
  char last_ = '\0';
  bool pending_comma_ = false;
};

}  // namespace

result<nlohmann::json> parse_lenient_json(std::string_view text, const std::string& on) {
  text = unwrapped(text);
  auto strict = parse_json_document(text, on);
  if (strict.has_value() || strict.error().code != errc::malformed) return strict;
  auto mended = parse_json_document(mender(text).mended(), on);
  // The place that an error names is in the text as it was.
  return mended.has_value() ? std::move(mended) : std::move(strict);
}

std::size_t json_value_length(std::string_view text) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
        if (depth == 0) return i + 1;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (depth == 0) return i;
      if (--depth == 0) return i + 1;
    } else if (depth == 0 && (c == ';' || c == ',' || c == '\n' || c == '<')) {
      return i;
    }
  }
  return in_string || depth > 0 ? 0 : text.size();
}

}  // namespace catwalk::scrape
