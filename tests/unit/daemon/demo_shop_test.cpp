#include "daemon/demo_shop/demo_shop.hpp"

#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include "config/load.hpp"
#include "daemon/demo_shop/picture.hpp"
#include "daemon/demo_shop/shop_pages.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/result_printer.hpp"

using namespace catwalk;
using namespace catwalk::daemon;

TEST_CASE("garments are the same for a seed") {
  const auto a = make_garments(50, 7);
  const auto b = make_garments(50, 7);
  const auto c = make_garments(50, 8);
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(a[i].handle() == b[i].handle());
  CHECK(a[0].seed != c[0].seed);
}

TEST_CASE("pictures come in the three formats, told by their first bytes") {
  auto all = make_garments(10, 1);
  CHECK(draw_picture(all[0]).starts_with("\xff\xd8\xff"));
  CHECK(draw_picture(all[7]).starts_with("\x89PNG"));
  CHECK(draw_picture(all[3]).substr(8, 4) == "WEBP");
}

TEST_CASE("a category in Zara's format pages to its end") {
  const auto all = make_garments(25, 1);
  const auto first = nlohmann::json::parse(zara_page(all, "http://h", 1, 10));
  const auto last = nlohmann::json::parse(zara_page(all, "http://h", 3, 10));
  const auto items = [](const nlohmann::json& page) {
    return page.at("productGroups").at(0).at("elements").at(0).at("commercialComponents").size();
  };
  CHECK(items(first) == 10);
  CHECK_FALSE(first.at("paginationInfo").at("isLastPage").get<bool>());
  CHECK(items(last) == 5);
  CHECK(last.at("paginationInfo").at("isLastPage").get<bool>());
}

TEST_CASE("the shop's sites file loads without a problem") {
  boost::asio::io_context loop;
  demo_shop shop(loop.get_executor(), loop.get_executor(), {});
  REQUIRE(shop.start());
  const auto sites = config::parse_sites(shop.sites_yaml(), "demo");
  for (const auto& p : sites.found) UNSCOPED_INFO(config::to_string(p));
  CHECK(sites.found.empty());
  REQUIRE(sites.sites.size() == 2);
  CHECK(sites.sites[0].name == "Atelier Nord");
}
