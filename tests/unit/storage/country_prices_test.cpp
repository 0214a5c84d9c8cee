#include "tests/unit/storage/state_fixture.hpp"

using namespace catwalk;
using namespace catwalk::storage;
using namespace catwalk::storage::test;

namespace {

using strings = std::vector<std::string>;

/// One shop in two countries, read by the sites US (first in `countries`) and CZ.
struct countries_fixture : state_fixture {
  static product in(const std::string& country, const std::string& price, const std::string& currency) {
    product p = make("a", price + currency);
    p.site = site_name(country);
    p.country = country;
    p.title = "Title in " + country;
    p.currency = currency;
    p.price_amount = price;
    return p;
  }

  page_counts read(const std::string& country, std::vector<product> items, std::optional<int> position,
                   bool unchanged = false) {
    page_commit page;
    page.run = run;
    page.page.site = site_name(country);
    page.page.endpoint = page.page.url = "https://shop.test/" + country;
    page.page.stanza_hash = "stanza";
    page.fingerprint = "tower";
    page.country_position = position;
    page.unchanged = unchanged;
    for (const auto& item : items) page.page.listed.push_back(item.id);
    page.products = std::move(items);
    return value_of(wait_for(products.commit_page(std::move(page))));
  }
  page_counts read_us(const std::string& price = "20") { return read("US", {in("US", price, "USD")}, 0); }
  page_counts read_cz(const std::string& price = "450") { return read("CZ", {in("CZ", price, "CZK")}, 1); }

  /// The site's listing came through whole, with something on it.
  void ends(const std::string& country) {
    site_listing whole{run, site_name(country), {{"https://shop.test/" + country, true}}};
    value_of(wait_for(products.sync(std::move(whole), {})));
  }

  bool is_known(const std::string& country) {
    const std::string url = "https://shop.test/" + country;
    return value_of(wait_for(products.find_page(site_name(country), url, url))).value().stanza_hash ==
           "stanza";
  }

  std::string row() {
    const auto e = entry("a");
    return e.item.site.str() + " " + e.item.title + " " + e.item.price.value_or("-") + " " +
           e.item.sale.value_or("-");
  }

  run_id run = begin();
};

}  // namespace

TEST_CASE_METHOD(countries_fixture, "prices of two countries are one row, whichever is read first") {
  const bool us_first = GENERATE(true, false);
  if (us_first) {
    CHECK(read_us().added == 1);
    CHECK(row() == "US Title in US 20USD -");
    read_cz();
  } else {
    CHECK(read_cz().added == 1);
    CHECK(row() == "CZ Title in CZ 450CZK -");
    read_us();
  }
  CHECK(row() == "US Title in US 20USD,450CZK -");
  CHECK(outbox() == strings{"id-a:upsert:1:1"});
  CHECK(entry("a").item.price_amount == "20");
}

TEST_CASE_METHOD(countries_fixture, "an unchanged run changes nothing, in either order") {
  read_us();
  read_cz();
  embed("https://shop.test/i/a.jpg", {1, 2});
  execute("delete from outbox");
  run = begin();
  CHECK(read_cz().unchanged == 1);
  CHECK(read_us().unchanged == 1);
  run = begin();
  CHECK(read_us().unchanged == 1);
  CHECK(read("CZ", {}, 1, true).unchanged == 1);
  CHECK(outbox().empty());
  CHECK(row() == "US Title in US 20USD,450CZK -");
}

TEST_CASE_METHOD(countries_fixture, "a price that changes in one country changes the row") {
  read_us();
  read_cz();
  embed("https://shop.test/i/a.jpg", {1, 2});
  execute("delete from outbox");
  run = begin();
  CHECK(read_us().unchanged == 1);
  CHECK(read_cz("399").changed == 1);
  CHECK(row() == "US Title in US 20USD,399CZK -");
  CHECK(outbox() == strings{"id-a:upsert:1:0"});
  auto sale = in("US", "20", "USD");
  sale.sale = "15USD";
  read("US", {sale}, 0);
  CHECK(row() == "US Title in US 20USD,399CZK 15USD");
}

TEST_CASE_METHOD(countries_fixture, "a country that lists the product no longer takes its price along") {
  read_us();
  read_cz();
  auto other = in("CZ", "1", "CZK");
  other.id = product_id("id-b");
  run = begin();
  read_us();
  read("CZ", {other}, 1);
  ends("US");
  ends("CZ");
  CHECK(row() == "US Title in US 20USD -");
  run = begin();
  other.site = site_name("US");
  read("US", {other}, 0);
  read_cz();
  ends("US");
  ends("CZ");
  CHECK(entry("a").item.price == "450CZK");
  // The row is still of the country that lost the product: the other's page is read anew.
  CHECK(is_known("US"));
  CHECK_FALSE(is_known("CZ"));
  run = begin();
  read_cz();
  CHECK(row() == "CZ Title in CZ 450CZK -");
  CHECK(is_known("CZ"));
  CHECK_FALSE(entry("a").gone_at);
}

TEST_CASE_METHOD(countries_fixture, "of two countries with one currency the first counts") {
  read("DE", {in("DE", "20", "EUR")}, 0);
  read("FR", {in("FR", "22", "EUR")}, 1);
  read("CZ", {in("CZ", "450", "CZK")}, 2);
  CHECK(row() == "DE Title in DE 20EUR,450CZK -");
}

TEST_CASE_METHOD(countries_fixture, "without `countries` a row is of one country again") {
  read_us();
  read_cz();
  run = begin();
  read("US", {in("US", "20", "USD")}, std::nullopt);
  CHECK(row() == "US Title in US 20USD -");
}

TEST_CASE_METHOD(countries_fixture, "a dry run compares with the row that would be written") {
  read_us();
  read_cz();
  const auto differs = [&](product p) {
    return value_of(wait_for(products.compare({std::move(p)}, {})))[0].changed_fields;
  };
  CHECK(differs(in("US", "20", "USD")).empty());
  CHECK(differs(in("CZ", "450", "CZK")).empty());
  CHECK(differs(in("CZ", "399", "CZK")) == strings{"price"});
}
