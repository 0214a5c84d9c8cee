#include "daemon/row_export.hpp"

#include <nlohmann/json.hpp>

#include "core/file.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/result_printer.hpp"

using namespace catwalk;
using daemon::row_export;

TEST_CASE("rows appear under their name when they are whole, not before") {
  const auto file = std::filesystem::temp_directory_path() / "catwalk_rows.jsonl";
  std::filesystem::remove(file);
  product p;
  p.id = product_id("1");
  p.title = "Dress";
  {
    auto out = row_export::open(file, "catwalk");
    REQUIRE(out);
    REQUIRE(out->write(p, nullptr));
    CHECK_FALSE(std::filesystem::exists(file));
  }
  CHECK_FALSE(std::filesystem::exists(file));
  auto out = row_export::open(file, "catwalk");
  REQUIRE(out->write(p, nullptr));
  REQUIRE(out->finish());
  CHECK(nlohmann::json::parse(read_file(file).value()).at("title") == "Dress");
  std::filesystem::remove(file);
}

TEST_CASE("a folder that does not exist is named") {
  const auto out = row_export::open("/no/such/folder/rows.jsonl", "catwalk");
  REQUIRE_FALSE(out);
  CHECK(out.error().to_string().find("/no/such/folder") != std::string::npos);
}
