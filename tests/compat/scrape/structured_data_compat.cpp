// What real pages say of their products for machines: JSON-LD, microdata and OpenGraph of several shops'
// pages.
#include <fstream>
#include <iterator>

#include "scrape/html_encoding.hpp"
#include "scrape/lenient_json.hpp"
#include "scrape/structured_data.hpp"
#include "tests/compat/suite.hpp"
#include "tests/support/result_printer.hpp"

using namespace catwalk;
using nlohmann::json;

namespace {

std::string contents(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(in), {});
  REQUIRE_FALSE(text.empty());
  return text;
}

scrape::html_document page(const std::filesystem::path& path) {
  auto read = scrape::html_document::parse(scrape::page_as_utf8(contents(path), ""), path.string());
  REQUIRE(read.has_value());
  return std::move(*read);
}

}  // namespace

TEST_CASE("JSON-LD: malformed scripts give what extruct gives") {
  const auto folder = tests::suite("shops/jsonld_edge_extruct");
  if (!folder) return;
  int compared = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(*folder)) {
    if (entry.path().extension() != ".jsonld") continue;
    auto html = entry.path();
    html.replace_extension(".html");
    INFO(html);
    const auto document = page(html);
    json found = json::array();
    for (std::uint32_t at = 0; at < document.size(); ++at) {
      const auto node = document.node(at);
      if (!node.is_element() || node.attribute("type") != "application/ld+json") continue;
      const auto value = scrape::parse_lenient_json(node.text(), html.string());
      REQUIRE(value.has_value());
      if (!value->is_null()) found.push_back(*value);
    }
    // extruct decodes a list of one file either way.
    const json expected = tests::read_json(entry.path());
    CHECK(found == (expected.is_array() ? expected : json::array({expected})));
    ++compared;
  }
  CHECK(compared == 8);
}

TEST_CASE("structured data: products of real pages") {
  const auto folder = tests::suite("shops");
  if (!folder) return;
  std::ifstream in(CATWALK_COMPAT_FOLDER "/structured_data_snapshots.json");
  REQUIRE(in);
  const json snapshots = json::parse(in);
  CHECK(snapshots.size() > 10);
  for (const auto& [file, expected] : snapshots.items()) {
    INFO(file);
    const auto document = page(*folder / file);
    const auto read = scrape::read_structured_data(document, "https://shop.example/p/thing",
                                                   "https://shop.example/p/thing");
    json items = json::array();
    for (const auto& one : read.items) {
      json fields = one.fields;
      // Long texts by their length in bytes alone.
      if (fields.contains("description"))
        fields["description"] = fields["description"].get<std::string>().size();
      items.push_back(std::move(fields));
    }
    CHECK(items == expected);
  }
}

TEST_CASE("structured data: every JSON-LD example of schema.org is read") {
  const auto folder = tests::suite("shops/schemaorg_examples/data");
  if (!folder) return;
  int products = 0, scripts = 0;
  for (const auto& entry : std::filesystem::directory_iterator(*folder)) {
    const std::string text = contents(entry.path());
    // Examples are parted by lines of TYPES: and the like; each script is a document of its own.
    for (std::size_t at = 0;
         (at = text.find("<script type=\"application/ld+json\">", at)) != std::string::npos; ++at) {
      const std::size_t end = text.find("</script>", at);
      if (end == std::string::npos) break;
      const auto document =
          scrape::html_document::parse(text.substr(at, end + 9 - at), entry.path().string());
      REQUIRE(document.has_value());
      const auto read =
          scrape::read_structured_data(*document, "https://example.com/", "https://example.com/");
      INFO(text.substr(at, end - at));
      for (const std::string& warning : read.warnings) WARN(warning);
      products += static_cast<int>(read.items.size());
      ++scripts;
    }
  }
  WARN(products << " products in " << scripts << " scripts");
  CHECK(scripts > 100);
  CHECK(products >= 9);
}
