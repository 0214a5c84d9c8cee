#include "config/change_list.hpp"

#include <fstream>

#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace catwalk::config;

namespace {

loaded load_text(const std::string& settings, const std::string& sites,
                 const environment& env = {{"HOME", "/tmp"}}) {
  const catwalk::testing::temporary_folder folder;
  std::ofstream(folder.path() / "catwalk.yaml") << settings;
  std::ofstream(folder.path() / "sites.yaml") << sites;
  auto read = load({}, env, folder.path());
  REQUIRE_FALSE(has_errors(read.found));
  return read;
}

/// Without what stands before an `@`.
std::string hidden(std::string_view value) {
  return std::string(value.substr(value.find('@') == value.npos ? 0 : value.find('@')));
}

std::vector<std::string> changes(const loaded& before, const loaded& after) {
  return catwalk::config::changes(before, after, hidden);
}

const std::string site_a =
    "- { brand: A, api: { endpoint: 'https://a.example/', items_path: x, field_map: {} } }\n";
const std::string site_b =
    "- { brand: B, api: { endpoint: 'https://b.example/', items_path: x, field_map: {} } }\n";

}  // namespace

TEST_CASE("equal configurations have no changes, however they are written") {
  const auto a = load_text("fetch: { pages: { delay: 2s } }\nlog: { level: debug }\n", site_a);
  const auto b = load_text("log:\n  level: debug\nfetch:\n  pages:\n    delay: 2s\n", site_a);
  CHECK(changes(a, b).empty());
  // What is written as the default is the default.
  CHECK(changes(load_text("fetch: { pages: { delay: 1s } }\n", site_a), load_text("", site_a)).empty());
}

TEST_CASE("each change is a line, from whatever layer it comes") {
  const auto before =
      load_text("fetch: { pages: { delay: 2s } }\nhttp: { hosts: [a, b] }\n", site_a + site_b);
  const auto after = load_text(
      "fetch: { pages: { delay: 3s } }\nhttp: { hosts: [a] }\nschedule: { jobs: [ { name: n, cron: '0 3 * * "
      "*' } ] }\n",
      site_a.substr(0, site_a.find("a.example")) + "c.example/', items_path: x, field_map: {} } }\n",
      {{"HOME", "/tmp"}, {"CATWALK_LOG_LEVEL", "debug"}});
  const auto list = changes(before, after);
  CHECK(list == std::vector<std::string>{"http.hosts: [a, b] -> [a]", "fetch.pages.delay: 2s -> 3s",
                                         "log.level: info -> debug", "job n: added", "site A: changed",
                                         "site B: removed"});
  CHECK(changes(load_text("", site_a), load_text("", site_a + site_b)) ==
        std::vector<std::string>{"site B: added"});
}

TEST_CASE("a job is named once, whatever of it changes, and not for where it stands") {
  const auto job = [](const std::string& name, const std::string& more) {
    return "{ name: " + name + ", cron: '0 3 * * *', ping_url: 'https://hc.example/canary-1'" + more + " }";
  };
  const auto jobs = [](const std::string& all) { return "schedule: { jobs: [" + all + "] }\n"; };
  const auto before = load_text(jobs(job("a", "") + ", " + job("b", "") + ", " + job("c", "")), site_a);
  CHECK(changes(before,
                load_text("\n\n" + jobs(job("c", "") + ", " + job("a", "") + ", " + job("b", "")), site_a))
            .empty());
  for (const std::string other :
       {", sync: true", ", sites: [A]", ", jitter: 1m", ", catch_up: false", ", overlap: queue",
        ", timeout: 1h", ", enabled: false", ", on_restart: restart"}) {
    CAPTURE(other);
    CHECK(changes(before, load_text(jobs(job("a", other) + ", " + job("b", "")), site_a)) ==
          std::vector<std::string>{"job a: changed", "job c: removed"});
  }
}

TEST_CASE("addresses are shown without what logs in") {
  const auto remote = [](const std::string& address) {
    return load_text("embed: { remote: { url: '" + address + "' } }\n", "[]");
  };
  CHECK(changes(remote("https://u:canary-1@a.example/"), remote("https://u:canary-1@b.example/")) ==
        std::vector<std::string>{"embed.remote.url: @a.example/ -> @b.example/"});
  CHECK(changes(remote("https://u:canary-1@a.example/"), remote("https://u:canary-2@a.example/")) ==
        std::vector<std::string>{"embed.remote.url: changed"});
}

TEST_CASE("a secret that changes is named and not shown, also where its source stays") {
  const catwalk::testing::temporary_folder folder;
  const auto text = "http: { token: { file: " + (folder.path() / "token").string() + " } }\n";
  std::ofstream(folder.path() / "token") << "canary-1";
  const auto before = load_text(text, "[]");
  std::ofstream(folder.path() / "token") << "canary-2";
  CHECK(changes(before, load_text(text, "[]")) == std::vector<std::string>{"http.token: changed"});
  CHECK(changes(load_text("http: { token: canary-1 }\n", "[]"),
                load_text("http: { token: canary-2 }\n", "[]")) ==
        std::vector<std::string>{"http.token: changed"});
}
