#pragma once
#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace catwalk::daemon {

/// The body of a request as a JSON object that has members of `known` names alone. `malformed` or
/// `invalid_argument`.
result<nlohmann::json> read_json_object(std::string_view body, std::initializer_list<std::string_view> known);

/// A whole number (5.0 is one) from `least` to `most`; nullopt otherwise.
std::optional<std::int64_t> whole_number_of(const nlohmann::json& value, std::int64_t least,
                                            std::int64_t most);

error wrong_member(std::string_view name, std::string why);

}  // namespace catwalk::daemon
