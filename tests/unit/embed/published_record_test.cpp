#include "embed/published_record.hpp"

#include <cmath>
#include <fstream>

#include "tests/support/catch.hpp"
#include "tests/support/result_printer.hpp"
#include "tests/unit/embed/tiny_model.hpp"

namespace {

using namespace catwalk;
using embed::published_check;

published_check of_logits(std::vector<double> logits, double tolerance = 0.02, double rounded = 1) {
  return {"p.jpg",   "",     std::vector<std::string>(logits.size(), "t"), std::move(logits), {},
          tolerance, rounded};
}

result<embed::published_record> read(const embed::samples::scratch_folder& dir, const std::string& text) {
  const auto file = dir.path / "record.json";
  std::ofstream(file) << text;
  return embed::read_record(file);
}

}  // namespace

TEST_CASE("published numbers: logits are cosines times the scale") {
  const auto check = of_logits({24.57, 19.30});
  const auto same = embed::compare(check, 100, {0.2456, 0.1931}, false);
  CHECK(same.within);
  CHECK(same.found[0] == Approx(24.56));
  CHECK(same.furthest == Approx(0.01));
  CHECK_FALSE(embed::compare(check, 100, {0.2456, 0.1935}, false).within);
  CHECK(embed::compare(check, 100, {0.2456, 0.1935}, true).within);
  CHECK_FALSE(embed::compare(check, 100, {0.2456, 0.2035}, true).within);
}

TEST_CASE("published numbers: probabilities are the softmax over them") {
  published_check check{"p.png", "", {"a", "b", "c"}, {}, {0.9927937, 0.00421068, 0.00299572}, 0.002, 0.02};
  // The logits that fp16 gives for the picture of OpenAI's README.
  const auto found = embed::compare(check, 100, {0.255625, 0.200938, 0.1975}, false);
  CHECK(found.within);
  CHECK(found.found[0] + found.found[1] + found.found[2] == Approx(1));
  CHECK_FALSE(embed::compare(check, 100, {0.200938, 0.255625, 0.1975}, true).within);
  CHECK(embed::compare(check, 1e6, {1, 0, 0}, false).found[0] == Approx(1));
}

TEST_CASE("published numbers: those of the model that pull gets are known") {
  const auto* record = embed::known_record(embed::default_published_model().name);
  REQUIRE(record != nullptr);
  REQUIRE(record->checks.size() == 2);
  for (const auto& check : record->checks)
    CHECK(check.texts.size() == (check.logits.empty() ? check.probabilities : check.logits).size());
  CHECK(embed::known_record("somebody-elses") == nullptr);
}

TEST_CASE("published numbers: a file of one's own") {
  const embed::samples::scratch_folder dir;
  const auto made = read(dir, R"({"where": "me", "scale": 10, "checks": [
      {"picture": "cat.jpg", "texts": ["a"], "logits": [1.5], "tolerance": 0.1},
      {"picture": "https://example.org/b.png", "picture_sha256": "ab", "texts": ["a", "b"],
       "probabilities": [0.5, 0.5], "tolerance": 0.1, "rounded_tolerance": 0.2}]})");
  REQUIRE(made);
  CHECK(made->where == "me");
  CHECK(made->scale == 10);
  CHECK(made->checks[0].picture == (dir.path / "cat.jpg").string());
  CHECK(made->checks[0].rounded_tolerance == 0.1);
  CHECK(made->checks[1].picture == "https://example.org/b.png");
  CHECK(made->checks[1].picture_sha256 == "ab");

  const auto refused = [&](const char* text) {
    const auto r = read(dir, text);
    CAPTURE(text);
    REQUIRE_FALSE(r);
    CHECK(r.error().code == errc::invalid_argument);
    CHECK_THAT(r.error().to_string(), Catch::Contains("record.json"));
  };
  refused("");
  refused("[]");
  refused("{}");
  refused(R"({"checks": []})");
  refused(R"({"checks": [{"picture": "a", "texts": ["a"], "tolerance": 1}]})");
  refused(R"({"checks": [{"picture": "a", "texts": ["a"], "logits": [1, 2], "tolerance": 1}]})");
  refused(
      R"({"checks": [{"picture": "a", "texts": ["a"], "logits": [1], "probabilities": [1], "tolerance": 1}]})");
  refused(R"({"checks": [{"picture": "a", "texts": ["a"], "logits": ["1"], "tolerance": 1}]})");
  refused(R"({"checks": [{"picture": "a", "texts": ["a"], "logits": [1], "tolerance": 0}]})");
  CHECK(embed::read_record(dir.path / "missing").error().code == errc::not_found);
}

TEST_CASE("published numbers: what was proven belongs to these weights") {
  const embed::samples::scratch_folder dir;
  embed::stored_model model;
  model.dir = dir.path;
  model.info.fingerprint = "one";
  CHECK(embed::proven_precisions(dir.path, "one").empty());
  REQUIRE(embed::keep_proven(model, "somewhere", {"fp32", "int8"}));
  CHECK(embed::proven_precisions(dir.path, "one") == std::vector<std::string>{"fp32", "int8"});
  CHECK(embed::proven_precisions(dir.path, "another").empty());
  REQUIRE(embed::keep_proven(model, "somewhere", {"fp32"}));
  CHECK(embed::proven_precisions(dir.path, "one") == std::vector<std::string>{"fp32"});
  std::ofstream(dir.path / "published.json") << "{\"fingerprint\": 1}";
  CHECK(embed::proven_precisions(dir.path, "one").empty());
}
