#include "scrape/selector.hpp"

#include <ctime>

#include "tests/support/catch.hpp"
#include "tests/support/result_printer.hpp"

using namespace catwalk;
using scrape::html_document;
using scrape::selector;

namespace {

constexpr const char* shop = R"(<!doctype html><html lang=en><body>
<div class=grid>
  <article id=p1 class="card sale" data-sku="A-1"><h3>Blue Shirt</h3><img src=/b.jpg data-src=/b2.jpg>
    <span class=price>99 EUR</span></article>
  <article id=p2 class=card data-sku="a-2"><h3>Red Dress</h3><span class=price>50 EUR</span><em>new</em></article>
  <article id=p3 class=CARD data-sku="B:3"><h3>Hat</h3></article>
</div>
<form><fieldset disabled><legend><input id=i1></legend><input id=i2 required></fieldset>
  <select id=s><option id=o1 selected><option id=o2></select><input id=i3 type=CHECKBOX checked></form>
<p id=de lang=de-CH>Grüezi</p><p id=e></p><p id=blank> </p><a id=l href=/x>x</a>
</body></html>)";

const html_document& page() {
  static const html_document document = [] {
    auto read = html_document::parse(shop, "shop");
    REQUIRE(read.has_value());
    return std::move(*read);
  }();
  return document;
}

/// The ids of what matches, each followed by a blank.
std::string ids(std::string_view text) {
  const auto compiled = selector::compile(text);
  INFO(text);
  REQUIRE(compiled.has_value());
  const auto found = compiled->select(page().root());
  REQUIRE(found.has_value());
  std::string out;
  for (const auto& node : *found) {
    const auto id = node.attribute("id");
    out += id ? std::string(*id) : std::string(node.name());
    out += ' ';
  }
  return out;
}

}  // namespace

TEST_CASE("selector: what soupsieve's users know") {
  CHECK(ids(".card") == "p1 p2 ");
  CHECK(ids("article.card:not(.sale, [data-sku^=B])") == "p2 ");
  CHECK(ids(":is(article, p):where([data-sku*='-'])") == "p1 p2 ");
  CHECK(ids("article:has(> em)") == "p2 ");
  CHECK(ids("article:has(h3, img)") == "p1 p2 p3 ");
  CHECK(ids("article:has(+ article > em)") == "p1 ");
  CHECK(ids("article:has(~ #p3)") == "p1 p2 ");
  CHECK(ids("article:not(:has(.price))") == "p3 ");
  CHECK(ids("article:nth-child(2 of :not(.sale))") == "p3 ");
  CHECK(ids("article:nth-last-child(-n + 2)") == "p2 p3 ");
  CHECK(ids("[data-sku='a-1' i]") == "p1 ");
  CHECK(ids("[data-sku='a-1']").empty());
  CHECK(ids("[type=checkbox]") == "i3 ");
  CHECK(ids("[type=checkbox s]").empty());
  CHECK(ids("article[data-sku!='A-1']") == "p2 p3 ");
  CHECK(ids("[data-sku='B\\:3']") == "p3 ");
  CHECK(ids("article:-soup-contains('Blue', 'Hat')") == "p1 p3 ");
  CHECK(ids("article:contains(Dress)") == "p2 ");
  CHECK(ids("article:-soup-contains-own(Dress)").empty());
  CHECK(ids("h3:-soup-contains-own(Dress)") == "h3 ");
  CHECK(ids(":checked") == "o1 i3 ");
  CHECK(ids("input:disabled") == "i2 ");
  CHECK(ids("input:enabled") == "i1 i3 ");
  CHECK(ids(":required") == "i2 ");
  CHECK(ids("p:lang(de)") == "de ");
  CHECK(ids("p:lang('*-ch')") == "de ");
  CHECK(ids("p:empty") == "e blank ");
  CHECK(ids(":any-link") == "l ");
  CHECK(ids("article:only-child").empty());
  CHECK(ids("em:only-of-type") == "em ");
  CHECK(ids("article:not()") == "p1 p2 p3 ");
  CHECK(ids("article:is()").empty());
  CHECK(ids("div /* grid */ > article~article") == "p2 p3 ");
  CHECK(ids("div/**/.grid") == "div ");
}

TEST_CASE("selector: what only a browser knows matches nothing and is told") {
  for (const char* text : {"a:hover", "p::before", "a:visited", "p:first-line"}) {
    const auto compiled = selector::compile(text);
    INFO(text);
    REQUIRE(compiled.has_value());
    REQUIRE(compiled->notes().size() == 1);
    CHECK(compiled->notes().front().find("never matches") != std::string::npos);
    CHECK(ids(text).empty());
  }
}

TEST_CASE("selector: a suffix gives an attribute") {
  const auto value = [](std::string_view text) {
    const auto compiled = selector::compile(text);
    REQUIRE(compiled.has_value());
    const auto first = compiled->first(page().root());
    REQUIRE(first.has_value());
    REQUIRE(*first);
    return compiled->value_of(*first, page().root());
  };
  CHECK(value("img@src") == "/b.jpg");
  CHECK(value("img@data-lazy, img@data-src, img@src") == "/b2.jpg");
  CHECK(value("article @data-sku") == "A-1");
  CHECK(value("article > h3, h4") == "Blue Shirt");
  CHECK(value("img@alt") == std::nullopt);
  CHECK(value("img@alt, img") == "");
}

TEST_CASE("selector: a leading combinator starts at the element that is searched") {
  const auto grid = selector::compile(".grid")->first(page().root());
  REQUIRE(grid.has_value());
  const auto of = [&](std::string_view text) {
    const auto found = selector::compile(text)->select(*grid);
    REQUIRE(found.has_value());
    return found->size();
  };
  CHECK(of("> article") == 3);
  CHECK(of("> h3") == 0);
  CHECK(of("h3") == 3);
  CHECK(of(":scope > article") == 3);
  CHECK(of("body article") == 3);
  CHECK(of("~ form") == 1);
  CHECK(of("+ p") == 0);
}

TEST_CASE("selector: errors point at the place") {
  const auto caret = [](std::string_view text) {
    scrape::selector_error detail;
    const auto compiled = selector::compile(text, &detail);
    REQUIRE(compiled.has_error());
    CHECK(compiled.error().code == errc::invalid_expression);
    return detail.message + '\n' + detail.caret(text);
  };
  CHECK(caret("div:example") == "unknown pseudo-class \":example\"\ndiv:example\n   ^");
  CHECK(caret("é > [a=b") == "a bracket that is not closed\né > [a=b\n    ^");
  CHECK(caret("a,") == "expected a selector, found the end\na,\n  ^");
  CHECK(caret("img@") == "expected an attribute's name after @, found the end\nimg@\n    ^");
  CHECK(caret(":not(a@b)") ==
        "@ and an attribute's name go to the end of the whole selector\n:not(a@b)\n      ^");
  CHECK(caret("p:dir(rtl)").find("not supported by catwalk") == std::string::npos);
  CHECK(caret("p:in-range").find("\":in-range\" is not supported by catwalk") == 0);
  CHECK(caret("a::text").find("the text comes by itself") != std::string::npos);
  CHECK(caret("[data-x=5]").find("expected a name or a text in quotes, found \"5\"") == 0);
  CHECK(caret("ns|a").find("the namespace \"ns\" is declared nowhere") == 0);
  CHECK(caret("li:nth-child(2x)").find("expected") == 0);
  CHECK(caret(std::string(40, ' ') + "a" + std::string(40, '>')).find("expected a selector") == 0);
}

TEST_CASE("selector: nesting and length are bounded") {
  std::string deep, end;
  for (int i = 0; i < 100'000 / 5; ++i) {
    deep += ":not(";
    end += ")";
  }
  CHECK(selector::compile(deep + "a" + end).has_error());
  std::string nested;
  for (int i = 0; i < 100; ++i) nested.append(":is(");
  nested.append(100, ')');
  CHECK(selector::compile(nested).has_error());
}

TEST_CASE("selector: no page makes a search endless") {
  std::string nested;
  for (int i = 0; i < 400; ++i) nested += "<div>";
  const auto deep = html_document::parse(nested, "deep");
  REQUIRE(deep.has_value());
  std::string chain = "p";
  for (int i = 0; i < 30; ++i) chain += " div";
  const std::clock_t start = std::clock();
  CHECK(selector::compile(chain)->select(deep->root())->empty());

  std::string wide = "<p>";
  for (int i = 0; i < 50'000; ++i) wide += "<b></b>";
  const auto siblings = html_document::parse(wide, "wide");
  REQUIRE(siblings.has_value());
  CHECK(selector::compile("b:nth-child(2n)")->select(siblings->root())->size() == 25'000);
  CHECK(selector::compile("b:nth-last-of-type(odd)")->select(siblings->root())->size() == 25'000);
  const auto tried = selector::compile("i ~ b ~ b")->select(siblings->root());
  REQUIRE(tried.has_error());
  CHECK(tried.error().code == errc::too_large);
  CHECK(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC < 20);
}
