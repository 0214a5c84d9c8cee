// Input: a price as JSON, else as text.
#include <cstdlib>
#include <string>
#include <string_view>

#include "scrape/decimal.hpp"
#include "scrape/money.hpp"

using namespace catwalk::scrape;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  auto value = nlohmann::json::parse(text, nullptr, false);
  if (value.is_discarded()) value = text;
  for (const auto unit : {catwalk::config::price_unit::guess, catwalk::config::price_unit::minor,
                          catwalk::config::price_unit::major}) {
    for (const std::string currency : {"", "EUR", "JPY", "KWD", "$", "kr"}) {
      const auto read = read_price(value, currency, unit);
      // An amount is a plain number, whatever the price was.
      if (read.amount && !decimal::parse(*read.amount)) std::abort();
      if (read.text && read.text->empty()) std::abort();
    }
  }
  return 0;
}
