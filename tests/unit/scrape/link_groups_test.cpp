#include "scrape/link_groups.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/result_printer.hpp"

namespace {

std::vector<std::string> selectors(const std::string& body) {
  const auto page = catwalk::scrape::html_document::parse(body, "page");
  REQUIRE(page);
  return catwalk::scrape::product_link_selectors(*page, "https://shop.example/women");
}

}  // namespace

TEST_CASE("links are grouped by folder, those that are called products first") {
  CHECK(selectors(
            "<a href='/cloth/a'>a</a><a href='/cloth/b'>b</a><a href='/cloth/c'>c</a>"
            "<a href='https://shop.example/p/1'>1</a><a href='/p/2?x=1'>2</a>"
            "<a href='/blog/1'>x</a><a href='/blog/2'>y</a><a href='/blog/3'>z</a><a href='/about'>z</a>") ==
        std::vector<std::string>{R"(a[href*="/p/"])", R"(a[href*="/cloth/"])"});
}

TEST_CASE("links to other hosts, single ones and repeated ones make no group") {
  CHECK(selectors("<a href='https://other.example/p/1'>1</a><a href='https://other.example/p/2'>2</a>"
                  "<a href='/item/1'>1</a><a href='/item/1#reviews'>1</a><a href='mailto:x@y'>m</a><a>n</a>")
            .empty());
  CHECK(selectors("").empty());
}

TEST_CASE("at most three groups are tried") {
  std::string page;
  for (const char* folder : {"a", "b", "c", "d"})
    for (const char* name : {"1", "2"}) page += std::string("<a href='/") + folder + '/' + name + "'>x</a>";
  CHECK(selectors(page).size() == 3);
}
