#include "daemon/json_body.hpp"

#include <algorithm>
#include <cmath>

namespace catwalk::daemon {

error wrong_member(std::string_view name, std::string why) {
  return {errc::invalid_argument, "cannot read the request", std::string(name), std::move(why),
          "GET /api/v1/openapi.json describes it"};
}

result<nlohmann::json> read_json_object(std::string_view body,
                                        std::initializer_list<std::string_view> known) {
  auto document = nlohmann::json::parse(body, nullptr, false);
  if (!document.is_object())
    return error{errc::malformed, "cannot read the request", "", "the body is not a JSON object",
                 "GET /api/v1/openapi.json describes it"};
  for (const auto& member : document.items())
    if (std::find(known.begin(), known.end(), member.key()) == known.end())
      return wrong_member(member.key().substr(0, 40), "there is no such member here");
  // JSON converts to anything, an error too: it has to be said which is meant.
  return result<nlohmann::json>(boost::system::in_place_value, std::move(document));
}

std::optional<std::int64_t> whole_number_of(const nlohmann::json& value, std::int64_t least,
                                            std::int64_t most) {
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > static_cast<std::uint64_t>(most))
    return std::nullopt;
  std::int64_t number = 0;
  if (value.is_number_integer()) {
    number = value.get<std::int64_t>();
  } else if (value.is_number_float()) {
    const auto given = value.get<double>();
    if (given != std::floor(given) || !(given >= -9e15 && given <= 9e15)) return std::nullopt;
    number = static_cast<std::int64_t>(given);
  } else {
    return std::nullopt;
  }
  return number >= least && number <= most ? std::optional(number) : std::nullopt;
}

}  // namespace catwalk::daemon
