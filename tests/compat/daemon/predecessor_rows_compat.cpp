// From a real page of Zara's to the rows that the predecessor wrote, every column, in both of its layouts.
#include <algorithm>
#include <filesystem>

#include "config/load.hpp"
#include "core/file.hpp"
#include "scrape/api_reader.hpp"
#include "storage/sink.hpp"
#include "tests/compat/suite.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/result_printer.hpp"

using namespace catwalk;
using nlohmann::json;

namespace {

const std::string endpoint = "https://www.zara.com/us/en/category/2443335/products?ajax=true";

/// What catwalk writes on purpose in another way: addresses usable, without repeats and without the main
/// picture.
void apply_deviations(json& row, const std::string& layout) {
  row.erase("_info_text");
  auto& image = row.at("image_url").get_ref<std::string&>();
  if (const auto at = image.find("{width}"); at != std::string::npos) image.replace(at, 7, "800");
  if (layout == "2026-02") row.erase("additional_images");
}

std::vector<json> rows_of(const std::filesystem::path& sites_file, const std::string& page,
                          const std::string& layout) {
  const auto sites = config::parse_sites(read_file(sites_file).value(), sites_file.filename().string());
  const auto zara =
      std::find_if(sites.sites.begin(), sites.sites.end(), [](const auto& s) { return s.brand == "Zara"; });
  REQUIRE(zara != sites.sites.end());
  const auto reader = scrape::api_reader::compile(*zara);
  REQUIRE(reader);
  const auto answer = reader->read(page, {endpoint, 0, {endpoint, ""}});
  REQUIRE(answer);
  std::vector<json> rows;
  for (const auto& item : answer->products) rows.push_back(storage::row_as_json(item, nullptr, layout));
  return rows;
}

void compare_with_predecessor(const std::string& layout) {
  const auto sample = tests::suite("shops/zara/category_sample_12");
  if (!sample) return;
  const auto sites_file = *tests::suite("") / ".." / "predecessor" / ("sites-" + layout + ".yaml");
  if (!std::filesystem::exists(sites_file)) {
    WARN("skipped: the predecessor's sites file of " << layout << " is not beside the suites");
    return;
  }
  const auto page = read_file(*sample / "products_ajax.json").value();
  const auto rows = rows_of(sites_file, page, layout);
  auto expected =
      json::parse(read_file(*sample / ("predecessor_rows_" + layout + ".json")).value()).at("rows");
  REQUIRE(rows.size() == expected.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    apply_deviations(expected[i], layout);
    INFO("row " << i << ": " << rows[i].at("title"));
    for (const auto& [column, value] : expected[i].items()) {
      INFO(column);
      REQUIRE(rows[i].contains(column));
      CHECK(rows[i].at(column) == value);
    }
    for (const auto& [column, value] : rows[i].items()) {
      INFO(column << " is no column of the predecessor's row");
      const bool judged_apart = layout == "2026-02" && column == "additional_images";
      // Columns that its row leaves out are null in the table.
      CHECK((expected[i].contains(column) || value.is_null() || judged_apart));
    }
  }
}

}  // namespace

TEST_CASE("rows of February 2026 equal the predecessor's") {
  compare_with_predecessor("2026-02");
}
TEST_CASE("rows of October 2025 equal the predecessor's") {
  compare_with_predecessor("2025-10");
}
