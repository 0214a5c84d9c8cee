#include "core/log.hpp"

#include <spdlog/details/log_msg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <regex>

#include "core/journal.hpp"
#include "core/log_format.hpp"
#include "core/log_scope.hpp"
#include "core/metrics.hpp"
#include "tests/support/catch.hpp"

namespace {

std::string formatted(const std::unique_ptr<spdlog::formatter>& by, const char* words) {
  spdlog::memory_buf_t line;
  by->format(spdlog::details::log_msg("catwalk", spdlog::level::warn, words), line);
  return {line.data(), line.size()};
}

}  // namespace

TEST_CASE("a line of a run names it: in brackets for people, as a field for machines") {
  const auto text = catwalk::make_line_formatter("text");
  const auto json = catwalk::make_line_formatter("json");
  const auto journal = catwalk::make_journal_formatter("text");
  CHECK(std::regex_match(formatted(text, "slow"), std::regex(R"(\d{4}-\d\d-\d\d \S+ warning slow\n)")));
  CHECK(!nlohmann::json::parse(formatted(json, "slow")).contains("run"));
  CHECK(formatted(journal, "slow") == "slow\n");

  const catwalk::log_scope_guard run(catwalk::log_scope{12, "Zara \"CZ\""});
  CHECK(formatted(text, "slow").find(" warning [run 12] slow\n") != std::string::npos);
  CHECK(formatted(journal, "slow") == "[run 12] slow\n");
  const auto line = nlohmann::json::parse(formatted(json, "slow"));
  CHECK(line["run"] == 12);
  CHECK(line["site"] == "Zara \"CZ\"");
  CHECK(line["message"] == "slow");
}

TEST_CASE("stderr is the journal's where JOURNAL_STREAM names its device and inode") {
  unsetenv("JOURNAL_STREAM");
  CHECK(!catwalk::stderr_is_journal());
  struct stat open {};
  REQUIRE(fstat(STDERR_FILENO, &open) == 0);
  const auto named = std::to_string(open.st_dev) + ":" + std::to_string(open.st_ino);
  setenv("JOURNAL_STREAM", named.c_str(), 1);
  CHECK(catwalk::stderr_is_journal());
  setenv("JOURNAL_STREAM", (named + "1").c_str(), 1);
  CHECK(!catwalk::stderr_is_journal());
  setenv("JOURNAL_STREAM", "nonsense", 1);
  CHECK(!catwalk::stderr_is_journal());
  unsetenv("JOURNAL_STREAM");
}

TEST_CASE("a concealed value appears in no text, not even inside a longer one") {
  catwalk::conceal_in_logs("canary-key-4711");
  catwalk::conceal_in_logs("canary-key-4711-long");
  CHECK(catwalk::concealed("apikey: canary-key-4711, again canary-key-4711-long.") ==
        "apikey: ***, again ***.");
  CHECK(catwalk::concealed("nothing here") == "nothing here");
}

TEST_CASE("a value too short to be a secret is left alone") {
  catwalk::conceal_in_logs("in");
  CHECK(catwalk::concealed("in stock") == "in stock");
}

TEST_CASE("metrics come in Prometheus' text format under the promised names") {
  catwalk::metrics m;
  m.products("Zara", "added").Increment(3);
  m.http_responses("Zara", 403).Increment();
  const auto text = m.text();
  CHECK(text.find("catwalk_products_total{outcome=\"added\",site=\"Zara\"} 3") != std::string::npos);
  CHECK(text.find("code=\"403\"") != std::string::npos);
  CHECK(text.find("catwalk_build_info{version=") != std::string::npos);
  CHECK(text.find("# TYPE catwalk_loop_latency_seconds histogram") != std::string::npos);
}
