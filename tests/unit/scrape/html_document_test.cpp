#include "scrape/html_document.hpp"

#include <ctime>

#include "scrape/html_encoding.hpp"
#include "scrape/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/result_printer.hpp"

using namespace catwalk;
using scrape::html_document;
using scrape::html_node;

namespace {

html_document parsed(std::string_view text, scrape::html_options options = {}) {
  auto document = html_document::parse(text, "test", options);
  REQUIRE(document.has_value());
  return std::move(*document);
}

html_node find(const html_document& document, std::string_view name) {
  for (std::uint32_t at = 0; at < document.size(); ++at) {
    if (document.node(at).is_element() && document.node(at).name() == name) return document.node(at);
  }
  return {};
}

std::string repeated(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("html_document: a tree in the order of the document") {
  const auto document = parsed("<p id=one class='a b'>x<b>y</b>z<p>2");
  const auto first = find(document, "p");
  CHECK(first.attribute("id") == "one");
  CHECK(first.attribute("class") == "a b");
  CHECK_FALSE(first.attribute("href"));
  CHECK(first.text() == "xyz");
  CHECK(first.next_sibling().text() == "2");
  CHECK(first.next_sibling().previous_sibling() == first);
  CHECK(first.parent().name() == "body");
  CHECK(first.first_child().kind() == scrape::html_node_kind::text);
  CHECK(first.last_child().data() == "z");
  CHECK(document.document_element().name() == "html");
  CHECK_FALSE(document.root().parent());
  CHECK(document.node(first.end_index()) == first.next_sibling());
}

TEST_CASE("html_document: of repeated attributes the first counts") {
  const auto document = parsed("<a href=1 HREF=2>");
  REQUIRE(find(document, "a").attributes().size() == 1);
  CHECK(find(document, "a").attribute("href") == "1");
}

TEST_CASE("html_document: writes HTML that gives the same tree") {
  const std::string text =
      "<div a=\"&quot;&amp;<\">1 &lt; 2 &amp; 3&nbsp;<br><img src=\"x\"><script>a < b && c</script>"
      "<!-- note --><p></p></div>";
  const auto document = parsed(text);
  const auto div = find(document, "div");
  CHECK(div.outer_html() == text);
  CHECK(find(document, "p").outer_html() == "<p></p>");
  CHECK(find(document, "body").inner_html() == text);
}

TEST_CASE("html_document: what a reader sees") {
  const auto document = parsed(
      "<body><div>  Blue&nbsp;\n <b>Shirt</b>s</div><p>99<sup>90</sup> <script>no()</script></p>"
      "<style>p{}</style><ul><li>S<li>M</ul>end");
  CHECK(find(document, "body").visible_text() == "Blue Shirts 9990 S M end");
  CHECK(find(document, "div").visible_text() == "Blue Shirts");
  CHECK(find(document, "script").visible_text() == "no()");
}

TEST_CASE("html_document: every text is a document") {
  CHECK(parsed("").document_element().name() == "html");
  CHECK(parsed("<table><tr><td>cut in the mid").document_element().text() == "cut in the mid");
  CHECK(parsed(std::string_view("a\0b", 3)).document_element().name() == "html");
}

TEST_CASE("html_document: refuses what would grow without bound, quickly and by the limit's name") {
  const auto refused = [](const std::string& text, const char* named, double seconds) {
    const std::clock_t start = std::clock();
    const auto document = html_document::parse(text, "https://shop.example/deep");
    const double spent = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    REQUIRE(document.has_error());
    CHECK(document.error().code == errc::too_large);
    CHECK(document.error().to_string().find(named) != std::string::npos);
    CHECK(document.error().on == "https://shop.example/deep");
    CHECK(spent < seconds);
  };
  refused(repeated("<div>", 100'000), "512 open elements", 0.1);
  refused(repeated("<a><b><i><table><tr><td>", 50'000), "512 open elements", 0.1);
  refused(repeated("<svg><g>", 50'000), "512 open elements", 0.1);
  // Each paragraph opens 400 elements again.
  std::string reopened = "<p>";
  for (int i = 0; i < 400; ++i) reopened += "<b a" + std::to_string(i) + ">";
  refused(reopened + repeated("</p><p>x", 100'000), "1000000 elements and texts", 5);
  std::string crowded = "<img";
  for (int i = 0; i < 20'000; ++i) crowded += " a" + std::to_string(i) + "=1";
  refused(crowded + ">", "512 attributes", 1);
  refused("<img " + repeated("a ", 20'000'000) + ">", "512 attributes", 1);
}

TEST_CASE("html_document: what was well-formed UTF-8 stays so") {
  // The parser drops zero bytes, and miscounts here.
  const auto document = parsed(std::string_view("\0\0\xEF\xBF\xBD\0 ", 7));
  for (std::uint32_t at = 0; at < document.size(); ++at)
    CHECK(scrape::is_valid_utf8(document.node(at).data()));
}

TEST_CASE("html_document: depth below the limit is read") {
  const auto document = parsed(repeated("<div>", 500) + "x");
  CHECK(document.document_element().text() == "x");
}

TEST_CASE("html_document: a long attribute is no crowd of attributes") {
  const std::string picture = "data:image/png;base64," + std::string(3'000'000, 'A');
  const auto document = parsed("<img src=\"" + picture + "\">");
  CHECK(find(document, "img").attribute("src")->size() == picture.size());
}

TEST_CASE("html_encoding: header, mark, meta, bytes") {
  using scrape::encoding_of;
  using scrape::page_as_utf8;
  CHECK(encoding_of("\xEF\xBB\xBFx", "text/html; charset=iso-8859-1") == "utf-8");
  CHECK(encoding_of("x", "text/html; charset=\"Latin1\"") == "windows-1252");
  CHECK(encoding_of("<meta charset=Shift_JIS>", "text/html") == "shift_jis");
  CHECK(encoding_of("<meta http-equiv=Content-Type content='text/html; charset=windows-1250'>", "") ==
        "windows-1250");
  CHECK(encoding_of("<!-- <meta charset=big5> --><meta charset=koi8-r>", "") == "koi8-r");
  CHECK(encoding_of("<meta charset=utf-16>", "") == "utf-8");
  CHECK(encoding_of("<meta charset=nonsense>\xE9", "text/html; charset=alsonot") == "windows-1252");
  CHECK(encoding_of("caf\xC3\xA9", "") == "utf-8");
  CHECK(page_as_utf8("caf\xE9 \x93quoted\x94 \x80", "text/html;charset=iso-8859-1") == "café “quoted” €");
  CHECK(page_as_utf8("\x83\x56\x83\x83\x83\x63", "text/html; charset=Shift_JIS") == "シャツ");
  CHECK(page_as_utf8(std::string_view("\xFF\xFE"
                                      "a\0\xE9\0",
                                      6),
                     "text/html; charset=utf-8") == "aé");
  CHECK(page_as_utf8("a\xFFz", "text/html; charset=utf-8") == "a\uFFFDz");
  CHECK(page_as_utf8("a\x81z", "text/html; charset=windows-1252") == "a\uFFFDz");
}
