#pragma once
// The syntax tree of a JMESPath expression. Internal to the jmespath*.cpp files.
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scrape/jmespath.hpp"

namespace catwalk::scrape::jmespath_detail {

struct function_spec;

/// Where a node stands in `program::nodes`. The tree is an array, so that destroying a deep one needs no
/// stack.
using node_index = std::uint32_t;

enum class node_kind : std::uint8_t {
  identity,           ///< @
  field,              ///< name
  index,              ///< number
  slice,              ///< bounds
  literal,            ///< value
  chain,              ///< children[0], then children[1] over its result: `a.b`, `a | b` and `a[0]`
  projection,         ///< children[1] over each element of the array children[0]
  object_projection,  ///< children[1] over each value of the object children[0]
  filter_projection,  ///< as projection, where children[2] is true
  flatten,            ///< the array children[0], its arrays merged one level
  multi_select_list,  ///< children
  multi_select_hash,  ///< keys and children
  either,             ///< ||
  both,               ///< &&
  negation,           ///< !
  comparison,         ///< children[0] `comparator` children[1]
  call,               ///< function over children
  reference,          ///< &children[0], only as a function's argument
};

enum class comparator : std::uint8_t { equal, not_equal, less, less_equal, greater, greater_equal };

struct slice_bounds {
  std::optional<std::int64_t> start, stop, step;
};

struct node {
  node_kind kind = node_kind::identity;
  comparator compare = comparator::equal;
  std::uint32_t offset = 0;  ///< bytes from the expression's start
  int height = 1;
  std::vector<node_index> children;
  std::string name;
  std::vector<std::string> keys;
  std::int64_t number = 0;
  slice_bounds bounds;
  nlohmann::json value;
  const function_spec* function = nullptr;
};

struct program {
  std::string expression;
  std::vector<node> nodes;
  node_index root = 0;
};

/// Parses `expression` into `into`; the first error, or nullopt.
std::optional<jmespath_error> parse(std::string_view expression, program& into);

}  // namespace catwalk::scrape::jmespath_detail
