#pragma once
#include <string>
#include <string_view>

namespace catwalk::scrape {

/// Finds out whom a product is for where a shop has no field for it: from words in tags, types and titles.
/// Words count whole ("garment" holds no "men").
class gender_words {
 public:
  void add(std::string_view text);
  /// No word for either was found.
  bool silent() const noexcept { return !women_ && !men_; }
  /// "women", "men", or empty: neither, or both.
  std::string verdict() const;

 private:
  bool women_ = false;
  bool men_ = false;
};

}  // namespace catwalk::scrape
