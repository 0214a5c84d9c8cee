#include "embed/siglip_tokenizer.hpp"

#include <unicode/locid.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <array>
#include <utility>

namespace catwalk::embed {
namespace {

constexpr std::string_view blank = "\xe2\x96\x81";  // U+2581
constexpr std::string_view unknown_mark = "<unk>";
constexpr std::string_view end_mark = "</s>";

/// Python's `str.isspace()`.
bool is_space(char32_t c) noexcept {
  return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
         c == 0x3000;
}

/// Python's `string.punctuation`.
bool is_punctuation(char32_t c) noexcept {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

/// Lower case, no punctuation, single blanks, none at the ends.
std::string cleaned(std::string_view text, text_cleaning how) {
  auto wide = icu::UnicodeString::fromUTF8({text.data(), static_cast<std::int32_t>(text.size())});
  wide.toLower(icu::Locale::getRoot());
  icu::UnicodeString kept;
  bool apart = false;
  for (std::int32_t i = 0; i < wide.length(); i = wide.moveIndex32(i, 1)) {
    const auto c = static_cast<char32_t>(wide.char32At(i));
    const bool parts = is_space(c) || (c == '_' && how == text_cleaning::words);
    if (!parts && is_punctuation(c)) continue;
    if (!parts) {
      if (apart && !kept.isEmpty()) kept.append(u' ');
      kept.append(static_cast<UChar32>(c));
    }
    apart = parts;
  }
  std::string out;
  return kept.toUTF8String(out);
}

}  // namespace

/// What stands between two marks.
void siglip_tokenizer::append(std::string_view segment, std::vector<std::int32_t>& ids) const {
  // transformers has the segment encoded behind "<unk>" and drops as many pieces as that makes alone, so that
  // a blank before the text is not lost.
  const std::string before(unknown_mark);
  const auto dropped = vocabulary_.encode(before).size();
  const auto all = vocabulary_.encode(before + cleaned(segment, cleaning_));
  ids.insert(ids.end(), all.begin() + static_cast<std::ptrdiff_t>(std::min(dropped, all.size())), all.end());
}

std::vector<std::int32_t> siglip_tokenizer::encode(std::string_view text) const {
  std::string whole(blank);
  for (std::size_t at = 0; at < text.size();) {
    const bool own = text.substr(at).starts_with(blank);
    if (own)
      whole += ' ';
    else
      whole += text[at];
    at += own ? blank.size() : 1;
  }
  std::vector<std::int32_t> ids;
  for (std::string_view rest = whole; !rest.empty();) {
    struct mark {
      std::string_view text;
      std::int32_t id;
    };
    const std::array marks{mark{end_mark, vocabulary_.end()}, mark{unknown_mark, vocabulary_.unknown()}};
    auto first = std::string_view::npos;
    const mark* found = nullptr;
    for (const auto& one : marks)
      if (const auto at = rest.find(one.text); at < first) {
        first = at;
        found = &one;
      }
    append(rest.substr(0, first), ids);
    if (!found) break;
    ids.push_back(found->id);
    rest.remove_prefix(first + found->text.size());
  }
  ids.resize(std::min(ids.size(), context_ - 1));
  ids.resize(context_, vocabulary_.end());
  return ids;
}

}  // namespace catwalk::embed
