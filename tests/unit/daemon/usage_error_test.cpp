#include "daemon/usage_error.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <optional>

#include "tests/support/catch.hpp"

namespace {

/// What catwalk's own command line looks like, in small; the error of one line of it.
std::string said(const std::string& line) {
  CLI::App app("Keeps things.", "catwalk");
  app.require_subcommand(1);
  app.fallthrough();
  std::string text, format, shell;
  std::vector<std::string> sites;
  std::vector<double> mean;
  std::optional<int> limit;
  int count = 0;
  double rate = 0;
  bool flag = false;
  app.add_option("--config", text, "The file")->type_name("FILE");
  auto* scrape = app.add_subcommand("scrape", "Read")->group("Catalogue");
  scrape->add_option("SITE", sites, "Names");
  scrape->add_option("--limit", limit, "At most so many")->type_name("N");
  scrape->add_flag("--sync", flag, "Delete");
  scrape->add_flag("--secret-flag", flag)->group("");
  auto* which = scrape->add_option_group("which rows");
  which->add_flag("--missing", flag, "Those");
  which->add_flag("--stale", flag, "These");
  which->add_flag("--all", flag, "All");
  which->require_option(0, 1);
  scrape->add_option("-n,--number", count, "How many")->check(CLI::Range(1, 100'000));
  scrape->add_option("--rate", rate, "So many a second")->type_name("R")->check(CLI::PositiveNumber);
  scrape->add_option("--format", format, "Which")->check(CLI::IsMember({"jsonl", "npy", "csv"}));
  scrape->add_option("--mean", mean, "Three")->type_name("R,G,B")->delimiter(',')->expected(3);
  auto* completion = app.add_subcommand("completion", "Complete")->group("Other");
  completion->add_option("SHELL", shell, "Which shell")->required();
  auto* sink = app.add_subcommand("sink", "The sink")->group("Service");
  sink->require_subcommand(1);
  sink->add_subcommand("migrate", "Move");
  sink->add_subcommand("status", "Ask");
  try {
    app.parse(line);
  } catch (const CLI::ParseError& e) {
    return catwalk::daemon::usage_error(app, e);
  }
  return "fine";
}

}  // namespace

TEST_CASE("a word that is no command is named with the nearest that is") {
  CHECK(said("scarpe") == "unknown command 'scarpe'; did you mean 'scrape'? See 'catwalk --help'");
  CHECK(said("scarpe --limit 5") == said("scarpe"));
  CHECK(said("--config x scarpe") == said("scarpe"));
  CHECK(said("frobnicate") == "unknown command 'frobnicate'. See 'catwalk --help'");
  CHECK(said("sink migrat") ==
        "unknown command 'migrat' of 'catwalk sink'; did you mean 'migrate'? See 'catwalk sink --help'");
  CHECK(said("") == "no command given. See 'catwalk --help'");
  CHECK(said("sink") == "no command of 'catwalk sink' given: migrate or status. See 'catwalk sink --help'");
}

TEST_CASE("an option that is none is named with the nearest that is") {
  CHECK(said("scrape --limt 5") ==
        "unknown option '--limt' of 'catwalk scrape'; did you mean '--limit'? See 'catwalk scrape --help'");
  CHECK(said("scrape --stael") ==
        "unknown option '--stael' of 'catwalk scrape'; did you mean '--stale'? See 'catwalk scrape --help'");
  CHECK(said("scrape --confg=x") ==
        "unknown option '--confg' of 'catwalk scrape'; did you mean '--config'? See 'catwalk scrape --help'");
  CHECK(said("scrape --secret-flags") ==
        "unknown option '--secret-flags' of 'catwalk scrape'. See 'catwalk scrape --help'");
  CHECK(said("--verbose scrape") ==
        "unknown option '--verbose' of 'catwalk scrape'. See 'catwalk scrape --help'");
  CHECK(said("--verbose") == "unknown option '--verbose'. See 'catwalk --help'");
  CHECK(said("sink status x") ==
        "'x' is one argument too many for 'catwalk sink status'. See 'catwalk sink status --help'");
}

TEST_CASE("a value that does not fit is named with what its option takes") {
  CHECK(said("scrape --limit abc") ==
        "--limit: expected a whole number, found 'abc'. See 'catwalk scrape --help'");
  CHECK(said("scrape --limit 99999999999") ==
        "--limit: '99999999999' is too large a number. See 'catwalk scrape --help'");
  CHECK(said("scrape --rate fast") ==
        "--rate: expected a number above 0, found 'fast'. See 'catwalk scrape --help'");
  CHECK(said("scrape --rate 0") ==
        "--rate: expected a number above 0, found '0'. See 'catwalk scrape --help'");
  CHECK(said("scrape -n 0") ==
        "--number: expected a whole number from 1 to 100000, found '0'. See 'catwalk scrape --help'");
  CHECK(said("scrape --format xml") ==
        "--format: expected jsonl, npy or csv, found 'xml'. See 'catwalk scrape --help'");
  CHECK(said("scrape --limit 1 --limit 2") ==
        "--limit: expected one value, found '1' and '2'. See 'catwalk scrape --help'");
  CHECK(said("scrape --mean 1,2") ==
        "--mean: expected 3 values, found '1' and '2'. See 'catwalk scrape --help'");
}

TEST_CASE("a value that is missing is named with what it would be") {
  CHECK(said("scrape --limit") == "--limit needs a value: N (At most so many). See 'catwalk scrape --help'");
  CHECK(said("completion") == "SHELL is missing (Which shell). See 'catwalk completion --help'");
  CHECK(said("scrape --missing --all") ==
        "only one of --missing, --stale and --all can be given. See 'catwalk scrape --help'");
}
