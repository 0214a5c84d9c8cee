#include "scrape/money.hpp"

#include "tests/support/catch.hpp"

using namespace catwalk;
using namespace catwalk::scrape;
using config::price_unit;
using nlohmann::json;

namespace {

struct price_case {
  json value;
  std::string currency;
  price_unit unit;
  std::string text;    // empty: no price
  std::string amount;  // empty: none
};

}  // namespace

TEST_CASE("a currency that is a sign is looked for in no text") {
  for (const char* sign : {"$", "kr", "$ "}) {
    INFO(sign);
    CHECK(read_price("USD $5", sign, price_unit::guess).amount == "5.0");
    CHECK(read_price("USD $5", sign, price_unit::guess).currency == "USD");
    CHECK_FALSE(read_price("NEW $", sign, price_unit::guess).amount);
    CHECK(read_price("$9.00 AUD", sign, price_unit::guess).amount == "9.0");
    CHECK(read_price("$9.00 AUD", sign, price_unit::guess).currency == "AUD");
    CHECK(read_price("FROM $9.99", sign, price_unit::guess).amount == "9.99");
  }
}

TEST_CASE("three capital letters are a currency where they are one's code and stand alone") {
  const auto currency_of = [](const char* text) {
    return read_price(text, "EUR", config::price_unit::major).currency.value_or("none");
  };
  for (const char* text : {"34.12 (40.94 inc VAT)", "4,35 TTC", "1 FCFA", "5 XYZ", "USDOLLAR 5", "5 eur"}) {
    INFO(text);
    CHECK(currency_of(text) == "EUR");
  }
  CHECK(read_price("34.12 inc VAT", "EUR", config::price_unit::major).text == "34.12EUR");
  CHECK(currency_of("34.12 GBP inc VAT") == "GBP");
  CHECK(currency_of("USDOLLAR 5 (4CHF)") == "CHF");
  CHECK(currency_of("849Kč, 849CZK") == "CZK");
}

TEST_CASE("prices read as the predecessor's rows have them") {
  const auto row = GENERATE(values<price_case>({
      // Whole numbers from 1000 on are guessed to be hundredths, smaller ones are taken as they are.
      {4990, "USD", price_unit::guess, "49.9USD", "49.9"},
      {21900, "USD", price_unit::guess, "219USD", "219.0"},
      {1000, "USD", price_unit::guess, "10USD", "10.0"},
      {999, "USD", price_unit::guess, "999USD", "999.0"},
      {990, "USD", price_unit::guess, "990USD", "990.0"},
      {49.99, "EUR", price_unit::guess, "49.99EUR", "49.99"},
      {1200.0, "EUR", price_unit::guess, "1200EUR", "1200.0"},
      {0.1, "EUR", price_unit::guess, "0.1EUR", "0.1"},
      // Zara's are hundredths whatever their size.
      {990, "USD", price_unit::minor, "9.9USD", "9.9"},
      {5, "USD", price_unit::minor, "0.05USD", "0.05"},
      {3999, "USD", price_unit::minor, "39.99USD", "39.99"},
      {21900.0, "USD", price_unit::minor, "219USD", "219.0"},
      {49.5, "USD", price_unit::minor, "49.5USD", "49.5"},
      {5990, "JPY", price_unit::minor, "5990JPY", "5990.0"},
      {12345, "KWD", price_unit::minor, "12.345KWD", "12.345"},
      {"21900", "USD", price_unit::minor, "219USD", "219.0"},
      {4990, "USD", price_unit::major, "4990USD", "4990.0"},
      // A number alone is no price.
      {4990, "", price_unit::guess, "", ""},
      {nullptr, "USD", price_unit::guess, "", ""},
      {true, "USD", price_unit::guess, "", ""},
      {-5, "USD", price_unit::guess, "", ""},
      // Texts.
      {"1,234.50", "USD", price_unit::guess, "1234.50USD", "1234.5"},
      {"49,90", "EUR", price_unit::guess, "49.90EUR", "49.9"},
      {"1.234,50 €", "EUR", price_unit::guess, "1234.50EUR", "1234.5"},
      {"$49.90", "USD", price_unit::guess, "49.90USD", "49.9"},
      {"Rs. 1,299", "INR", price_unit::guess, "1299INR", "1299.0"},
      {"1 299,00 Kč", "CZK", price_unit::guess, "1299.00CZK", "1299.0"},
      {"4990", "USD", price_unit::guess, "4990USD", "4990.0"},
      {"20USD", "CZK", price_unit::guess, "20USD", "20.0"},
      {"20USD,450CZK", "CZK", price_unit::guess, "20USD,450CZK", "450.0"},
      {"CZK 849", "", price_unit::guess, "CZK 849", "849.0"},
      {"49.90", "", price_unit::guess, "49.90", "49.9"},
      {"sold out", "USD", price_unit::guess, "", ""},
      {"  ", "USD", price_unit::guess, "", ""},
      // Several currencies.
      {{{"USD", 20}, {"CZK", 450}}, "", price_unit::guess, "20USD,450CZK", "20.0"},
      {{{"USD", 20}, {"CZK", 450}}, "CZK", price_unit::guess, "450CZK,20USD", "450.0"},
      {{{"USD", 20.5}, {"note", "x"}, {"EUR", nullptr}}, "", price_unit::guess, "20.5USD", "20.5"},
      {{{"USD", 1999}}, "", price_unit::guess, "1999USD", "1999.0"},
      {json::array({{{"price", 20}, {"currency", "USD"}}}), "", price_unit::guess, "20USD", "20.0"},
      {json::array({{{"value", 20}, {"curr", "usd"}}, {{"amount", "450"}, {"code", "CZK"}}, "x"}), "",
       price_unit::guess, "20USD,450CZK", "20.0"},
      {json::array(), "USD", price_unit::guess, "", ""},
  }));
  INFO(row.value.dump() << " in '" << row.currency << "'");
  const auto read = read_price(row.value, row.currency, row.unit);
  CHECK(read.text.value_or("") == row.text);
  CHECK(read.amount.value_or("") == row.amount);
}

TEST_CASE("money stays exact where binary floating point would not") {
  const auto amount = decimal::parse("90071992547409935");
  REQUIRE(amount);
  CHECK(amount->divided_by_power_of_ten(2).shortest() == "900719925474099.35");
  CHECK(decimal::parse("007")->shortest() == "7");
  CHECK(decimal::parse("0.10")->shortest() == "0.1");
  CHECK(decimal::parse("0.10")->as_written() == "0.10");
  CHECK_FALSE(decimal::parse(""));
  CHECK_FALSE(decimal::parse("1."));
  CHECK_FALSE(decimal::parse("-1"));
}

TEST_CASE("the first number of a text is its amount") {
  CHECK(amount_in("12.50 - 15.00")->as_written() == "12.50");
  CHECK(amount_in("1.299")->as_written() == "1299");
  CHECK(amount_in("1.299", 3)->as_written() == "1.299");
  CHECK(amount_in("0.999")->as_written() == "0.999");
  CHECK(amount_in("1,234,567")->as_written() == "1234567");
  CHECK(amount_in("1.234.567,8")->as_written() == "1234567.8");
  CHECK(amount_in("1\u202f299,5")->as_written() == "1299.5");
  CHECK(amount_in("2 x 30")->as_written() == "2");
  CHECK(amount_in("35€99")->as_written() == "35.99");
  CHECK(amount_in("$.75")->as_written() == "0.75");
  CHECK(amount_in("Rs.75")->as_written() == "75");
  CHECK(amount_in("-20 % 15,00 €")->as_written() == "15.00");
  CHECK_FALSE(amount_in("40% off"));
  CHECK_FALSE(amount_in("free"));
}
