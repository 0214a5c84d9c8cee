#include "scrape/card_grid.hpp"

#include <map>

#include "tests/support/catch.hpp"
#include "tests/support/result_printer.hpp"

using namespace catwalk::scrape;

namespace {

std::optional<card_grid> grid_of(const std::string& body) {
  const auto page = html_document::parse("<html><body>" + body + "</body></html>", "page");
  REQUIRE(page);
  return find_card_grid(*page);
}

std::map<std::string, std::string> fields_of(const card_grid& grid) {
  return {grid.product_selectors.begin(), grid.product_selectors.end()};
}

std::string cards(int count, const std::string& inner) {
  std::string text = "<ul class=grid>";
  for (int n = 1; n <= count; ++n) {
    std::string one = inner;
    for (std::size_t at = one.find('#'); at != std::string::npos; at = one.find('#', at))
      one.replace(at, 1, std::to_string(n));
    text += one;
  }
  return text + "</ul>";
}

}  // namespace

TEST_CASE("a grid of product cards is found, with a selector for each field") {
  const auto grid = grid_of(
      "<header><a href='/'><img src='/logo.png'></a></header>" +
      cards(4,
            "<li class='card card--new' data-id='A#'><a class='pic' href='/p/#'><img data-src='/i/#.jpg'></a>"
            "<h3 class='card__title'>Coat #</h3><p class='prices'><del class='old'>99,90 €</del> "
            "<span class='price'>49,90 €</span></p></li>"));
  REQUIRE(grid);
  CHECK(grid->product_selector == "li.card");
  CHECK(grid->cards == 4);
  CHECK(grid->currency == "EUR");
  CHECK(fields_of(*grid) == std::map<std::string, std::string>{{"external_id", "[data-id]"},
                                                               {"title", "h3.card__title"},
                                                               {"product_url", "href"},
                                                               {"image", "img"},
                                                               {"price", "span.price"}});
}

TEST_CASE("cards without classes are their parent's children, and their address is their id") {
  const auto grid =
      grid_of(cards(3, "<li><a href='/coat-#'><img src='/i/#.jpg' alt='Coat #'></a><b>CZK 1 299</b></li>"));
  REQUIRE(grid);
  CHECK(grid->product_selector == "ul.grid > li");
  CHECK(grid->currency == "CZK");
  const auto fields = fields_of(*grid);
  CHECK(fields.at("external_id") == "href");
  CHECK(fields.at("title") == "img@alt");
  CHECK(fields.at("price") == "b");
}

TEST_CASE("a price whose sign stands in an element of its own is one") {
  const auto grid =
      grid_of(cards(3,
                    "<div class=tile><a href='/p/#'><img src='/i/#.jpg'><span class=name>Coat "
                    "#</span><span class=amount><span>$</span><span>20</span></span></a></div>"));
  REQUIRE(grid);
  CHECK(grid->product_selector == "div.tile > a");
  CHECK(fields_of(*grid).at("title") == "span.name");
  CHECK(fields_of(*grid).at("price") == "span.amount");
  CHECK(grid->currency == "USD");
}

TEST_CASE("what is no grid of products is none") {
  CHECK_FALSE(grid_of("<p>nothing</p>"));
  const std::string card = "<li class=card><a href='/p/#'><img src='/i/#.jpg'></a><b>20 €</b></li>";
  CHECK_FALSE(grid_of(cards(2, card)));
  CHECK(grid_of(cards(3, card)));
  INFO("pictures of posts, without a price");
  CHECK_FALSE(grid_of(cards(5, "<li class=post><a href='/b/#'><img src='/i/#.jpg'>Post #</a></li>")));
  INFO("the same place thrice");
  CHECK_FALSE(grid_of(cards(5, "<li class=card><a href='/p'><img src='/i/#.jpg'></a><b>20 €</b></li>")));
  INFO("a paragraph that mentions money");
  CHECK_FALSE(grid_of(cards(5,
                            "<li class=post><a href='/b/#'><img src='/i/#.jpg'></a><p>We have collected more "
                            "than 20 € for each of the # trees that were planted</p></li>")));
}
