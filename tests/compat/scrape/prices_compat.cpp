// Price texts of real shops (price-parser's tests), with the amounts and currencies that people read in them.
#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>

#include "scrape/decimal.hpp"
#include "scrape/money.hpp"
#include "tests/compat/suite.hpp"
#include "tests/support/catch.hpp"

using namespace catwalk;
using nlohmann::json;

namespace {

/// Not owed: what price-parser itself fails at, hints that catwalk does not take, and words for 0.
bool is_owed(const json& c) {
  if (c.at("group").get<std::string>().find("xfail") != std::string::npos) return false;
  if (c.contains("decimal_separator") || !c.contains("price_raw")) return false;
  return c.at("price_raw").is_string() && c.at("price_raw") != "Free!";
}

bool is_code(const std::string& currency) {
  return currency.size() == 3 &&
         std::all_of(currency.begin(), currency.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

/// The pataca's sign, which holds its code.
constexpr std::string_view sign_with_code = "1 MOP$";

}  // namespace

TEST_CASE("amounts in real price texts are read as people read them") {
  const auto folder = tests::suite("prices");
  if (!folder) return;
  const auto suite = tests::read_json(*folder / "price_parser.json");
  int checked = 0;
  for (const auto& c : suite.at("cases")) {
    if (!is_owed(c)) continue;
    const std::string text = c.at("price_raw");
    INFO(c.dump());
    const auto read = scrape::amount_in(text);
    ++checked;
    REQUIRE(read.has_value() == !c.at("amount").is_null());
    if (read) CHECK(std::abs(std::stod(read->shortest()) - c.at("amount").get<double>()) < 1e-9);
  }
  CHECK(checked == 515);
}

TEST_CASE("the currency of real price texts is the one whose code they name, else the site's") {
  const auto folder = tests::suite("prices");
  if (!folder) return;
  const auto suite = tests::read_json(*folder / "price_parser.json");
  const std::string of_the_site = "ZZZ";
  int coded = 0, left_to_the_site = 0;
  for (const auto& c : suite.at("cases")) {
    if (!is_owed(c) || c.at("amount").is_null()) continue;
    const std::string text = c.at("price_raw");
    INFO(c.dump());
    const auto read = scrape::read_price(text, of_the_site, config::price_unit::major);
    REQUIRE(read.currency.has_value());
    REQUIRE(read.amount.has_value());
    CHECK(std::abs(std::stod(*read.amount) - c.at("amount").get<double>()) < 1e-9);
    // Signs and names ("Kč", "руб.") are left to the site's currency: "$" alone may be any of twenty.
    const std::string named = c.at("currency").is_string() ? c.at("currency").get<std::string>() : "";
    const bool has_code = text == sign_with_code || (is_code(named) && text.find(named) != std::string::npos);
    CHECK(*read.currency == (has_code ? named.substr(0, 3) : of_the_site));
    ++(has_code ? coded : left_to_the_site);
  }
  CHECK(coded == 26);
  CHECK(left_to_the_site == 484);
}
