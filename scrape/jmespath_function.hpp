#pragma once
// The built-in functions of JMESPath. Internal to the jmespath*.cpp files.
#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "scrape/jmespath_value.hpp"

namespace catwalk::scrape::jmespath_detail {

class evaluation;
struct node;

/// What a parameter takes; several may be set.
namespace accepts {
enum : std::uint16_t {
  number = 1,
  string = 2,
  boolean = 4,
  array = 8,
  object = 16,
  null = 32,
  numbers = 64,     ///< an array of numbers
  strings = 128,    ///< an array of strings
  reference = 256,  ///< &expression
  any = number | string | boolean | array | object | null,
};
}

/// An argument as a function sees it.
struct argument {
  value v;
  const node* reference = nullptr;  ///< what `&` stands before; then `v` is null
};

struct function_spec {
  std::string_view name;
  std::vector<std::uint16_t> parameters;
  bool variadic = false;  ///< the last parameter may be repeated
  value (*call)(evaluation& context, std::span<const argument> arguments) = nullptr;

  std::uint16_t parameter(std::size_t index) const {
    return parameters[index < parameters.size() ? index : parameters.size() - 1];
  }
};

/// nullptr where there is none.
const function_spec* find_function(std::string_view name) noexcept;

/// True where `v` is one of what `mask` accepts.
bool is_accepted(const value& v, std::uint16_t mask) noexcept;

/// "number or string": for messages.
std::string describe_accepted(std::uint16_t mask);

}  // namespace catwalk::scrape::jmespath_detail
