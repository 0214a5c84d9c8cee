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

TEST_CASE("what cannot be written is found before the run") {
  const auto folder = std::filesystem::temp_directory_path();
  CHECK(row_export::check(folder / "catwalk_rows.jsonl"));
  CHECK_FALSE(std::filesystem::exists(folder / "catwalk_rows.jsonl"));
  CHECK_FALSE(row_export::check("/no/such/folder/rows.jsonl"));
  const auto of_folder = folder / "catwalk_rows_folder.csv";
  std::filesystem::create_directory(of_folder);
  CHECK(row_export::check(of_folder).error().why == "it is a folder");
  std::filesystem::remove(of_folder);
  const auto other = row_export::check(folder / "rows.npy").error();
  CHECK(other.code == errc::invalid_argument);
  CHECK(other.why == "not as .npy");
  CHECK(row_export::check(folder / "rows").error().code == errc::invalid_argument);
}

TEST_CASE("rows in CSV have a line of names, and a vector's place where there is none") {
  const auto file = std::filesystem::temp_directory_path() / "catwalk_rows.csv";
  product p;
  p.id = product_id("1");
  p.title = "Dress, \"long\"";
  embedding vector;
  vector.values = {0.5F, 0.25F};
  auto out = row_export::open(file, "2025-10");
  REQUIRE(out->write(p, nullptr));
  REQUIRE(out->write(p, &vector));
  REQUIRE(out->finish());
  const auto bytes = read_file(file).value();
  const std::string text(bytes.begin(), bytes.end());
  std::filesystem::remove(file);
  CHECK(text.find("external_id") < text.find("\r\n"));
  CHECK(text.find("embedding\r\n") != std::string::npos);
  CHECK(text.find("\"Dress, \"\"long\"\"\"") != std::string::npos);
  CHECK(text.find(",\r\n") != std::string::npos);
  CHECK(text.find("\"[0.5,0.25]\"\r\n") != std::string::npos);
}
