#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "config/site.hpp"
#include "core/error.hpp"
#include "scrape/jmespath.hpp"

namespace catwalk::scrape {

/// An expression of sites.yaml that is compiled, with its place.
struct located_expression {
  jmespath compiled;
  config::place where;
};

/// Compiles one expression. `invalid_config` with file:line:column, the offset in the expression, and what is
/// wrong.
result<located_expression> compile_expression(const config::located_text& expression, const std::string& key);

/// What is wrong with one expression, placed at its own place plus the offset inside it; empty: nothing.
config::problems check_expression(const config::located_text& expression, const std::string& key);

/// A site's `field_map`, compiled once.
class field_map {
 public:
  /// `key` is its name in sites.yaml, "api.field_map".
  static result<field_map> compile(const config::field_expressions& fields, const std::string& key);

  /// The values that the map finds in one item, by field: the first non-null wins, null where none does.
  /// `image_url` is the list of all that were found, in order, since the first may be unusable;
  /// `_xmedia_urls` is the list of all texts found, flattened, without repeats. An expression that fails on
  /// this item counts as null and is named in `failures`.
  nlohmann::json read(const nlohmann::json& item, std::vector<std::string>& failures) const;

  /// Puts what the map finds in one item over `fields`, where it finds something.
  void overlay(const nlohmann::json& item, nlohmann::json& fields, std::vector<std::string>& failures) const;

  /// Notes what the map looks at in items that stand at `items`.
  void reach(const json_places& items) const;

  bool has(std::string_view field) const noexcept;

 private:
  std::string key_;
  std::vector<std::pair<std::string, std::vector<located_expression>>> fields_;
};

}  // namespace catwalk::scrape
