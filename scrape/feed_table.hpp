#pragma once
#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace catwalk::scrape {

/// Reads tab-separated text with a line of names, as Google Merchant Center takes it: a value that begins
/// with a double quote goes to the next one that is not doubled, tabs and line breaks included. Columns that
/// repeat make a list; so do commas in `additional_image_link`.
class feed_table {
 public:
  explicit feed_table(std::string on) : on_(std::move(on)) {}

  /// `malformed` where the first line is none of names, or a quote is not closed; `too_large` for a line
  /// beyond 1 MB.
  result<void> push(std::string_view piece, bool last);
  std::vector<nlohmann::json> take();

 private:
  result<void> read_row();
  void end_value();
  error failure(errc code, std::string why) const;

  std::string on_;
  std::vector<std::string> names_;
  std::vector<std::string> row_;
  std::string value_;
  std::size_t row_bytes_ = 0;
  std::size_t line_ = 1;
  enum class state { start, plain, quoted, quote_in_quoted } state_ = state::start;
  std::vector<nlohmann::json> items_;
};

}  // namespace catwalk::scrape
