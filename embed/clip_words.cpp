#include "embed/clip_words.hpp"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <array>

namespace catwalk::embed {
namespace {

bool is_letter(char32_t c) noexcept {
  return (U_GET_GC_MASK(static_cast<UChar32>(c)) & U_GC_L_MASK) != 0;
}
bool is_number(char32_t c) noexcept {
  return (U_GET_GC_MASK(static_cast<UChar32>(c)) & U_GC_N_MASK) != 0;
}
bool is_space(char32_t c) noexcept {
  return u_isUWhiteSpace(static_cast<UChar32>(c)) != 0;
}

/// The one character whose lower case by itself is two (Unicode's SpecialCasing.txt).
constexpr char32_t dotted_capital_i = 0x130;
constexpr char32_t combining_dot_above = 0x307;

std::u32string clean(std::string_view text) {
  const auto utf16 = icu::UnicodeString::fromUTF8(icu::StringPiece(
      text.data(), static_cast<std::int32_t>(std::min<std::size_t>(text.size(), INT32_MAX))));
  UErrorCode status = U_ZERO_ERROR;
  const auto* nfc = icu::Normalizer2::getNFCInstance(status);
  const auto normal = U_SUCCESS(status) ? nfc->normalize(utf16, status) : utf16;
  std::u32string out;
  out.reserve(static_cast<std::size_t>(normal.length()));
  for (std::int32_t i = 0; i < normal.length(); i = normal.moveIndex32(i, 1)) {
    const auto c = static_cast<char32_t>(normal.char32At(i));
    if (is_space(c)) {
      out += U' ';
    } else if (c == dotted_capital_i) {
      out += U'i';
      out += combining_dot_above;
    } else {
      out += static_cast<char32_t>(u_tolower(static_cast<UChar32>(c)));
    }
  }
  return out;
}

}  // namespace

clip_words::clip_words(std::string_view text) : text_(clean(text)) {}

/// The length of a mark that is written out. What reaches this far was in capitals, else it is a token of its
/// own; here it splits as its characters do, but ends a stretch of signs before and behind it.
std::size_t clip_words::literal_mark() const noexcept {
  const std::u32string_view rest = std::u32string_view(text_).substr(at_);
  for (const std::u32string_view mark : {U"<|startoftext|>", U"<|endoftext|>"})
    if (rest.starts_with(mark)) return mark.size();
  return 0;
}

std::size_t clip_words::contraction() const noexcept {
  const std::u32string_view rest = std::u32string_view(text_).substr(at_);
  constexpr std::array<std::u32string_view, 7> all{U"'s", U"'t", U"'re", U"'ve", U"'m", U"'ll", U"'d"};
  for (const auto one : all)
    if (rest.starts_with(one)) return one.size();
  return 0;
}

bool clip_words::next(std::string& word) {
  while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  if (at_ == text_.size()) return false;
  if (at_ >= mark_end_) mark_end_ = at_ + literal_mark();
  const auto limit = at_ < mark_end_ ? mark_end_ : text_.size();
  auto end = at_ + 1;
  if (const auto length = contraction(); length > 0) {
    end = at_ + length;
  } else if (is_letter(text_[at_])) {
    while (end < limit && is_letter(text_[end])) ++end;
  } else if (!is_number(text_[at_])) {
    const auto is_sign = [](char32_t c) { return !is_space(c) && !is_letter(c) && !is_number(c); };
    while (end < limit && is_sign(text_[end])) ++end;
  }
  word.clear();
  icu::UnicodeString::fromUTF32(reinterpret_cast<const UChar32*>(text_.data() + at_),
                                static_cast<std::int32_t>(end - at_))
      .toUTF8String(word);
  at_ = end;
  return true;
}

}  // namespace catwalk::embed
