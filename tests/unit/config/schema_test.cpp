#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "config/setting.hpp"
#include "tests/unit/config/configuration_folder.hpp"

using namespace catwalk::config;
using json = nlohmann::ordered_json;

namespace {

const std::filesystem::path schema_folder = std::filesystem::path(CATWALK_SOURCE_DIR) / "config/schema";

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string{std::istreambuf_iterator<char>(file), {}};
}

/// What a value of the type is in JSON Schema (draft 7, which editors know). A key without a value keeps its
/// default, so that null is always valid.
json shape(const key_description& key) {
  const std::string& type = key.type;
  if (!key.values.empty() && type == "list") {
    const json one{{"enum", key.values}};
    return {{"anyOf", {one, {{"type", {"array", "null"}}, {"items", one}}}}};
  }
  if (!key.values.empty()) {
    json values = key.values;
    values.push_back(nullptr);
    return {{"enum", values}};
  }
  if (key.between && type == "whole number") {
    return {{"type", {"integer", "null"}}, {"minimum", key.between->first}, {"maximum", key.between->second}};
  }
  if (key.between && type == "auto, or a whole number") {
    return {{"anyOf",
             {{{"enum", {"auto", nullptr}}},
              {{"type", "integer"}, {"minimum", key.between->first}, {"maximum", key.between->second}}}}};
  }
  if (key.between)
    return {{"type", {"number", "null"}}, {"minimum", key.between->first}, {"maximum", key.between->second}};
  if (type == "auto, or a mapping") {
    return {{"anyOf",
             {{{"enum", {"auto", nullptr}}},
              {{"type", "object"}, {"additionalProperties", {{"$ref", "#/definitions/text"}}}}}}};
  }
  if (type == "mapping")
    return {{"type", {"object", "null"}}, {"additionalProperties", {{"$ref", "#/definitions/text"}}}};
  if (type == "path") return {{"$ref", "#/definitions/text"}};
  if (type == "list of texts" || type == "all, or a list of names") return {{"$ref", "#/definitions/texts"}};
  if (type == "list of jobs")
    return {{"type", {"array", "null"}}, {"items", {{"$ref", "#/definitions/job"}}}};
  for (const char* defined : {"text", "boolean", "duration", "size", "secret"})
    if (type == defined) return {{"$ref", "#/definitions/" + type}};
  FAIL("no schema for the type '" << type << "' of " << key.key);
  return {};
}

json described(const key_description& key) {
  json node = shape(key);
  // Beside $ref draft 7 ignores everything else.
  if (node.contains("$ref")) node = json{{"allOf", {node}}};
  node["description"] = key.doc;
  if (!key.default_text.empty()) node["default"] = key.default_text;
  return node;
}

json definitions() {
  const json name{{"type", "string"}, {"minLength", 1}};
  json secret_forms{{{"type", {"string", "number", "boolean", "null"}}}};
  for (const char* form : {"credential", "file", "env"}) {
    secret_forms.push_back({{"type", "object"},
                            {"properties", {{form, name}}},
                            {"required", {form}},
                            {"additionalProperties", false}});
  }
  json text{{"type", {"string", "number", "boolean", "null"}}};
  json boolean{{"type", {"boolean", "string", "integer", "null"}},
               {"pattern",
                "^([Tt][Rr][Uu][Ee]|[Yy][Ee][Ss]|[Oo][Nn]|[Ff][Aa][Ll][Ss][Ee]|[Nn][Oo]|[Oo][Ff][Ff]|1|0)$"},
               {"minimum", 0},
               {"maximum", 1}};
  json duration{{"type", {"string", "integer", "null"}},
                {"pattern", "^(0|(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)$"},
                {"minimum", 0},
                {"maximum", 0}};
  json size{{"type", {"string", "integer", "null"}},
            {"pattern", "^[0-9]+ ?(B|[kKMGT]B|[KMGT]iB)?$"},
            {"minimum", 0}};
  return {{"text", text},
          {"texts",
           {{"anyOf",
             {{{"$ref", "#/definitions/text"}},
              {{"type", "array"}, {"items", {{"type", {"string", "number", "boolean"}}}}}}}}},
          {"boolean", boolean},
          {"duration", duration},
          {"size", size},
          {"secret", {{"anyOf", secret_forms}}}};
}

/// The object at `path`, made where it is missing.
json& section(json& root, const std::string& path) {
  json* node = &root;
  for (std::size_t at = 0; at < path.size();) {
    const auto end = std::min(path.find('.', at), path.size());
    json& below = (*node)["properties"][path.substr(at, end - at)];
    if (below.is_null())
      below = {{"type", {"object", "null"}}, {"additionalProperties", false}, {"properties", json::object()}};
    node = &below;
    at = end + 1;
  }
  return *node;
}

json settings_schema() {
  json root{{"$schema", "http://json-schema.org/draft-07/schema#"},
            {"title", "catwalk.yaml"},
            {"description", "The configuration of catwalk. Every key has a default."},
            {"type", {"object", "null"}},
            {"additionalProperties", false},
            {"properties", json::object()},
            {"definitions", definitions()}};
  json job{{"type", "object"},
           {"additionalProperties", false},
           {"required", {"name", "cron"}},
           {"properties", json::object()}};
  const std::string of_job = "schedule.jobs[].";
  for (const auto& key : known_settings()) {
    if (key.key.starts_with(of_job)) {
      job["properties"][key.key.substr(of_job.size())] = described(key);
      continue;
    }
    const auto dot = key.key.rfind('.');
    json& parent = section(root, dot == std::string::npos ? "" : key.key.substr(0, dot));
    parent["properties"][key.key.substr(dot == std::string::npos ? 0 : dot + 1)] = described(key);
  }
  root["definitions"]["job"] = std::move(job);
  return root;
}

}  // namespace

TEST_CASE("the JSON Schema of catwalk.yaml is what the table of settings says") {
  const auto file = schema_folder / "catwalk.schema.json";
  const std::string text = settings_schema().dump(2) + "\n";
  // After a change of the table: CATWALK_WRITE_SCHEMA=1 build/release/tests/unit/config/unit_config "the
  // JSON*"
  if (std::getenv("CATWALK_WRITE_SCHEMA") != nullptr) std::ofstream(file, std::ios::binary) << text;
  INFO("run this test with CATWALK_WRITE_SCHEMA=1 to write " << file);
  CHECK((read(file) == text));
}

namespace {

/// The keys that catwalk names where it is asked for one that does not exist.
std::set<std::string> keys_known_to_code(const std::string& sites_text) {
  std::set<std::string> keys;
  const std::string start = "known here: ";
  for (const auto& problem : parse_sites(sites_text, "sites.yaml").found) {
    if (problem.what.find("no_such_key_at_all") == std::string::npos) continue;
    REQUIRE(problem.hint.starts_with(start));
    for (std::size_t at = start.size(); at < problem.hint.size();) {
      const auto end = std::min(problem.hint.find(", ", at), problem.hint.size());
      keys.insert(problem.hint.substr(at, end - at));
      at = end + 2;
    }
  }
  return keys;
}

std::set<std::string> keys_of(const json& object) {
  std::set<std::string> keys;
  for (const auto& [name, value] : object.at("properties").items()) keys.insert(name);
  return keys;
}

}  // namespace

TEST_CASE("the JSON Schema of sites.yaml knows the keys that the code knows") {
  const json schema = json::parse(read(schema_folder / "sites.schema.json"));
  const std::string unknown = "no_such_key_at_all: 1";
  const auto keys_in = [&](const std::string& path_to_it) { return keys_known_to_code("- " + path_to_it); };
  CHECK(keys_known_to_code("- {" + unknown + "}") == keys_of(schema.at("definitions").at("site")));
  const std::map<std::string, std::string> mappings{
      {"api", "api: {" + unknown + "}"},
      {"paging", "api: {paging: {" + unknown + "}}"},
      {"discover_categories", "api: {discover_categories: {" + unknown + "}}"},
      {"discover_categories_html", "api: {discover_categories_html: {" + unknown + "}}"},
      {"fallback_html", "api: {fallback_html: {" + unknown + "}}"},
      {"html", "html: {" + unknown + "}"},
      {"shopify", "shopify: {" + unknown + "}"},
      {"sitemap", "sitemap: {" + unknown + "}"},
      {"feed", "feed: {" + unknown + "}"},
  };
  for (const auto& [definition, stanza] : mappings) {
    INFO(definition);
    CHECK(keys_in("{brand: X, " + stanza + "}") == keys_of(schema.at("definitions").at(definition)));
  }
}
