#include "config/configuration_file.hpp"
#include "tests/unit/config/configuration_folder.hpp"

using namespace catwalk::config;

namespace {

const std::string one_site =
    "- { brand: Zara, api: { endpoint: 'https://shop.example/x', items_path: i, field_map: {} } }\n";

}  // namespace

TEST_CASE("the configuration file is looked for in order") {
  const configuration_folder work, system;
  const auto found = [&] { return find_configuration_file(std::nullopt, work.path(), system.path()); };
  CHECK_FALSE(found());
  work.write("sites.yaml", one_site);
  CHECK(found() == work.path() / "sites.yaml");
  system.write("catwalk.yaml", "");
  CHECK(found() == system.path() / "catwalk.yaml");
  work.write("catwalk.yaml", "");
  CHECK(found() == work.path() / "catwalk.yaml");
  CHECK(find_configuration_file("sub/own.yaml", work.path(), system.path()) == work.path() / "sub/own.yaml");
  CHECK(find_configuration_file("/own.yaml", work.path(), system.path()) == "/own.yaml");
}

TEST_CASE("a bare sites file is enough") {
  const configuration_folder folder;
  folder.write("sites.yaml", one_site);
  folder.write(".env", "CATWALK_LOG_LEVEL=debug\n");
  const loaded result = folder.load();
  CHECK(shown(result.found) == "");
  CHECK(result.config_file.empty());
  CHECK(result.sites_file == folder.path() / "sites.yaml");
  REQUIRE(result.sites.size() == 1);
  CHECK(result.values.log.level == "debug");
}

TEST_CASE("The flag --config takes a sites file, as the predecessor's did") {
  const configuration_folder folder;
  folder.write("sub/shops.yaml", one_site);
  folder.write("sub/.env", "CATWALK_LOG_LEVEL=debug\n");
  overrides flags;
  flags.config_file = "sub/shops.yaml";
  const loaded result = folder.load({}, flags);
  CHECK(shown(result.found) == "");
  CHECK(result.sites_file == folder.path() / "sub/shops.yaml");
  CHECK(result.values.sites == folder.path() / "sub/shops.yaml");
  CHECK(result.sites.size() == 1);
  CHECK(result.values.log.level == "debug");
}

TEST_CASE("one site in the place of a configuration is told so, once") {
  const configuration_folder folder;
  folder.write("zara.yaml", "brand: Zara\nmerchant: zara\napi: { endpoint: 'https://shop.example/x' }\n");
  overrides flags;
  flags.config_file = "zara.yaml";
  CHECK(shown(folder.load({}, flags).found) ==
        "zara.yaml:1:1: this is a site, not a configuration; begin it with a dash (`- brand: …`) for a sites "
        "file, which --config takes too, or catwalk.yaml names under `sites:`");
  CHECK(shown(folder.load_text("brand: Zara\nhttp: { listen: 127.0.0.1:0 }\n").found)
            .find("unknown key 'brand'") != std::string::npos);
}

TEST_CASE("the sites file lies beside the configuration file") {
  const configuration_folder folder;
  folder.write("etc/catwalk.yaml", "state: { dir: data }\n");
  folder.write("etc/sites.yaml", one_site);
  overrides flags;
  flags.config_file = "etc/catwalk.yaml";
  const loaded result = folder.load({}, flags);
  CHECK(shown(result.found) == "");
  CHECK(result.sites.size() == 1);
  CHECK(result.state_dir == folder.path() / "etc/data");
}

TEST_CASE("files that are asked for must exist") {
  const configuration_folder folder;
  overrides flags;
  flags.config_file = "none.yaml";
  CHECK(shown(folder.load({}, flags).found) == "none.yaml: no such file; check the path");
  flags.config_file = ".";
  CHECK(has_errors(folder.load({}, flags).found));
  CHECK(shown(folder.load_text("sites: shops.yaml\n").found) ==
        "catwalk.yaml:1:8: sites: no such file: " + (folder.path() / "shops.yaml").string() +
            "; check the path");
  CHECK(shown(folder.load_text("").found) == "");
}

TEST_CASE("problems come in the order of the files") {
  const configuration_folder folder;
  folder.write(".env", "nonsense\n");
  folder.write("sites.yaml", "- { brand: Z }\n");
  CHECK(
      shown(folder.load_text("nonsense: 1\n").found) ==
      ".env:1:1: warning: not a line of the form NAME=value; it is ignored\n"
      "catwalk.yaml:1:1: unknown key 'nonsense'; known here: state, sites, http, schedule, fetch, embed, "
      "sink, sync, "
      "search, retention, notify, log, shutdown_timeout\n"
      "sites.yaml:1:3: site 'Z': nothing says what to read; add one of api, html, shopify, sitemap and feed");
}

TEST_CASE("the process's environment is read") {
  CHECK(process_environment().count("PATH") == 1);
}
