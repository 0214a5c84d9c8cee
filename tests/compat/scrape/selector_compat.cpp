// The web platform's selector tests and the counts over shakespeare.html.
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include "scrape/selector.hpp"
#include "tests/compat/suite.hpp"
#include "tests/support/result_printer.hpp"

using namespace catwalk;
using nlohmann::json;

namespace {

scrape::html_document page(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(in), {});
  REQUIRE_FALSE(text.empty());
  auto read = scrape::html_document::parse(text, path.string());
  REQUIRE(read.has_value());
  return std::move(*read);
}

/// Cases that cannot pass on a page read as HTML, without a browser.
const std::map<std::string, std::string>& not_owed() {
  static const std::map<std::string, std::string> list{
      {":target", "needs the fragment of the browser's address"},
      {"#any-namespace *|div", "the page read as HTML has no elements with a prefix"},
      {"#no-namespace |div", "every element of a page read as HTML has a namespace"},
      {"#no-namespace |*", "every element of a page read as HTML has a namespace"},
  };
  return list;
}

}  // namespace

TEST_CASE("web platform tests: valid selectors") {
  const auto folder = tests::suite("css/wpt_selectors");
  if (!folder) return;
  const auto document = page(*folder / "content.xhtml");
  int passed = 0;
  const json cases = tests::read_json(*folder / "valid_selectors.json");
  for (const json& one : cases) {
    const auto text = one.at("selector").get<std::string>();
    if (const auto known = not_owed().find(text); known != not_owed().end()) {
      WARN("NOT OWED: " << text << ": " << known->second);
      continue;
    }
    const auto compiled = scrape::selector::compile(text);
    INFO(text);
    REQUIRE(compiled.has_value());
    const auto found = compiled->select(document.root());
    REQUIRE(found.has_value());
    json ids = json::array();
    for (const auto& node : *found) ids.push_back(std::string(node.attribute("id").value_or("(no id)")));
    CHECK(ids == one.at("expect"));
    passed += ids == one.at("expect") ? 1 : 0;
  }
  CHECK(cases.size() == 189);
  CHECK(passed + static_cast<int>(not_owed().size()) == static_cast<int>(cases.size()));
}

TEST_CASE("web platform tests: invalid selectors are refused") {
  const auto folder = tests::suite("css/wpt_selectors");
  if (!folder) return;
  const json cases = tests::read_json(*folder / "invalid_selectors.json");
  CHECK(cases.size() == 35);
  for (const json& one : cases) {
    const auto text = one.at("selector").get<std::string>();
    INFO(text);
    scrape::selector_error detail;
    CHECK_FALSE(scrape::selector::compile(text, &detail).has_value());
    CHECK_FALSE(detail.message.empty());
    CHECK(detail.offset <= text.size());
  }
}

TEST_CASE("shakespeare: as many elements as html5lib and soupsieve find") {
  const auto folder = tests::suite("css/shakespeare");
  if (!folder) return;
  const auto document = page(*folder / "shakespeare.html");
  const json counts = tests::read_json(*folder / "counts.json");
  CHECK(counts.at("cases").size() == 50);
  for (const json& one : counts.at("cases")) {
    const auto text = one.at("selector").get<std::string>();
    const auto compiled = scrape::selector::compile(text);
    INFO(text);
    REQUIRE(compiled.has_value());
    const auto found = compiled->select(document.root());
    REQUIRE(found.has_value());
    CHECK(found->size() == one.at("count").get<std::size_t>());
  }
}
