#include "config/reference.hpp"

#include <fstream>
#include <iterator>
#include <set>

#include "config/setting.hpp"
#include "tests/unit/config/configuration_folder.hpp"

using namespace catwalk::config;

namespace {

const std::filesystem::path source_dir = CATWALK_SOURCE_DIR;

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file);
  return std::string{std::istreambuf_iterator<char>(file), {}};
}

std::string in_table(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '|' ? "\\|" : std::string(1, c);
  return out;
}

}  // namespace

TEST_CASE("every known key is on the reference page, as it is") {
  const std::string page = read(source_dir / "docs/configuration.md");
  for (const auto& one : known_settings()) {
    const auto code = [](const std::string& text) { return text.empty() ? "" : "`" + in_table(text) + "`"; };
    const std::string row = "| `" + one.key + "` | " + in_table(one.type) + " | " +
                            (one.default_text.empty() ? "unset" : code(one.default_text)) + " | " +
                            code(one.environment) + " | " + in_table(one.doc) + " |\n";
    INFO(row);
    CHECK(page.find(row) != std::string::npos);
    CHECK_FALSE(one.doc.empty());
    CHECK_FALSE(one.type.empty());
  }
}

TEST_CASE("keys and variables are unique") {
  std::set<std::string> keys, variables;
  for (const auto& one : known_settings()) {
    CHECK(keys.insert(one.key).second);
    if (!one.environment.empty()) CHECK(variables.insert(one.environment).second);
  }
  CHECK(keys.count("fetch.pages.delay") == 1);
  CHECK(environment_name("fetch.pages.delay") == "CATWALK_FETCH_PAGES_DELAY");
  CHECK(environment_name("shutdown_timeout") == "CATWALK_SHUTDOWN_TIMEOUT");
}

TEST_CASE("each default that is shown is accepted by its key") {
  for (const auto& one : setting_table()) {
    if (one.about.default_text.empty()) continue;
    INFO(one.about.key);
    problems found;
    const std::map<std::string, std::string> environment;
    reading context{found, environment, {}, false, {}, {}};
    settings values;
    // The text as one would write it in the file.
    const yaml_document document = parse_yaml(one.about.default_text, "default");
    REQUIRE(document.found.empty());
    one.apply(values, *document.root, context);
    CHECK(shown(found) == "");
  }
}

TEST_CASE("the examples load without a word") {
  const configuration_folder folder;
  for (const char* name : {"catwalk.yaml", "sites.yaml"})
    folder.write(name, read(source_dir / "docs/examples" / name));
  folder.write("credentials/supabase_key", "k");
  const loaded result = folder.load({{"CREDENTIALS_DIRECTORY", (folder.path() / "credentials").string()}});
  CHECK(shown(result.found) == "");
  CHECK(result.sites.size() == 2);
  CHECK(result.values.schedule.jobs.size() == 1);
}
