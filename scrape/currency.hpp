#pragma once
#include <cstddef>
#include <string_view>

namespace catwalk::scrape {

/// Whether this is the code of a currency that prices are, or were in this century, written in: ISO 4217, and
/// LEI, NIS, NTD and RMB, which shops write instead.
bool is_currency_code(std::string_view code);

/// Where the first such code stands in a text, between other characters than letters ("20USD,450CZK", "CHF
/// 5", not the VAT of "inc VAT" nor the FCF of "FCFA"); npos: nowhere.
std::size_t find_currency_code(std::string_view text);

/// Where `code` stands in a text in the same way; npos: nowhere.
std::size_t find_currency_code(std::string_view text, std::string_view code);

/// Digits after the point in amounts of a currency (ISO 4217): 2, but 0 for JPY and its like, 3 for KWD and
/// its like.
int fraction_digits_of(std::string_view currency);

}  // namespace catwalk::scrape
