#include <random>

#include "config/environment_file.hpp"
#include "tests/unit/config/configuration_folder.hpp"

using namespace catwalk::config;

namespace {

const std::string seed_text = R"(# a file to damage
- name: "Shop \u00e9"
  brand: &b Shop
  merchant: *b
  price_unit: minor
  category_names: { 12: shoes, ? 13 : bags }
  api:
    endpoints:
      - "https://shop.example/a"
    items_path: |
      products[]
    field_map: { title: [name, 'it''s'], product_url: ~, sale: !!str 5 }
    headers: >-
      folded
      text
...
)";

void read_all(const std::string& text) {
  const loaded_sites sites = parse_sites(text, "sites.yaml");
  for (const auto& one : sites.found) CHECK_FALSE(one.what.empty());
  parse_environment_file(text, ".env", {});
}

}  // namespace

TEST_CASE("random bytes are refused, not fatal") {
  std::mt19937 random(1);
  for (int round = 0; round < 3'000; ++round) {
    std::string text(random() % 200, '\0');
    for (char& c : text) c = static_cast<char>(random());
    read_all(text);
  }
}

TEST_CASE("random YAML is refused, not fatal") {
  constexpr char alphabet[] = "-:?[]{},#&*!|>'\"%@` \n\n\t~<ab1\\x.=";
  std::mt19937 random(2);
  for (int round = 0; round < 20'000; ++round) {
    std::string text(random() % 60, '\0');
    for (char& c : text) c = alphabet[random() % (sizeof alphabet - 1)];
    read_all(text);
  }
}

TEST_CASE("a damaged file is refused, not fatal") {
  std::mt19937 random(3);
  for (int round = 0; round < 5'000; ++round) {
    std::string text = seed_text;
    for (unsigned damage = random() % 4 + 1; damage > 0 && !text.empty(); --damage) {
      const std::size_t at = random() % text.size();
      switch (random() % 4) {
        case 0:
          text[at] = static_cast<char>(random());
          break;
        case 1:
          text.erase(at, random() % 8);
          break;
        case 2:
          text.insert(at, text.substr(random() % text.size(), random() % 8));
          break;
        default:
          text.resize(at + 1);
      }
    }
    read_all(text);
  }
}

TEST_CASE("random settings are refused, not fatal") {
  const configuration_folder folder;
  std::mt19937 random(4);
  const std::vector<std::string> values{
      "",     "~",   "[]",   "{}", "-1",   "1e999", "99999999999999999999", "'", "[[]]", "{a: b}", "\"\\n\"",
      "auto", "all", "0x10", "*a", "!x y", "[{}]"};
  const std::vector<std::string> keys{"state",   "sites", "http",  "schedule", "fetch",   "embed",
                                      "sink",    "jobs",  "pages", "key",      "url",     "columns",
                                      "headers", "name",  "cron",  "events",   "threads", "kind"};
  for (int round = 0; round < 500; ++round) {
    std::string text;
    for (int line = 0; line < 4; ++line) {
      text += keys[random() % keys.size()] + ": { " + keys[random() % keys.size()] + ": " +
              values[random() % values.size()] + " }\n";
    }
    folder.load_text(text);
  }
}
