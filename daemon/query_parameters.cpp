#include "daemon/query_parameters.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "core/url.hpp"
#include "scrape/text.hpp"

namespace catwalk::daemon {

namespace {

std::string decoded(std::string_view text) {
  std::string value(text);
  std::replace(value.begin(), value.end(), '+', ' ');
  return percent_decode(value);
}

error wrong_parameter(std::string_view name, const std::string& why) {
  return {errc::invalid_argument, "cannot read the request", "parameter " + std::string(name.substr(0, 40)),
          why, "GET /api/v1/openapi.json describes it"};
}

}  // namespace

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

query_parameters::query_parameters(const http_request_head& head) {
  const auto raw = head.target();
  std::string_view rest(raw.data(), raw.size());
  rest.remove_prefix(std::min(rest.find('?'), rest.size()));
  while (!rest.empty()) {
    rest.remove_prefix(1);
    const auto end = std::min(rest.find('&'), rest.size());
    const auto pair = rest.substr(0, end);
    rest.remove_prefix(end);
    if (pair.empty()) continue;
    const auto equals = std::min(pair.find('='), pair.size());
    const auto name = decoded(pair.substr(0, equals));
    const auto value = decoded(pair.substr(std::min(equals + 1, pair.size())));
    if (!given_.emplace(name, value).second) refuse(name, "it is given twice");
  }
}

const std::string* query_parameters::take(std::string_view name) {
  taken_.emplace(name, true);
  const auto found = given_.find(name);
  return found == given_.end() ? nullptr : &found->second;
}

void query_parameters::refuse(std::string_view name, const std::string& why) {
  if (!wrong_) wrong_ = wrong_parameter(name, why);
}

std::optional<std::string> query_parameters::text(std::string_view name, std::size_t longest) {
  const auto* value = take(name);
  if (!value) return std::nullopt;
  if (value->empty() || value->size() > longest)
    refuse(name, "it has to have 1 to " + std::to_string(longest) + " bytes");
  else if (!scrape::is_valid_utf8(*value))
    refuse(name, "it is not UTF-8");
  return *value;
}

std::optional<std::int64_t> query_parameters::integer(std::string_view name, std::int64_t least,
                                                      std::int64_t most) {
  const auto* value = take(name);
  if (!value) return std::nullopt;
  const auto number = whole_number(*value);
  if (number && *number >= least && *number <= most) return number;
  refuse(name, "it is no whole number from " + std::to_string(least) + " to " + std::to_string(most));
  return std::nullopt;
}

std::optional<double> query_parameters::amount(std::string_view name) {
  const auto* value = take(name);
  if (!value) return std::nullopt;
  double number = 0;
  const auto [end, ec] = std::from_chars(value->data(), value->data() + value->size(), number);
  if (ec == std::errc() && end == value->data() + value->size() && number >= 0 && number <= 1e12)
    return number;
  refuse(name, "it is no number from 0 to 1000000000000");
  return std::nullopt;
}

bool query_parameters::flag(std::string_view name) {
  const auto word = one_of(name, {"true", "false"});
  return word && *word == "true";
}

std::optional<std::string> query_parameters::one_of(std::string_view name,
                                                    std::initializer_list<std::string_view> words) {
  const auto* value = take(name);
  if (!value) return std::nullopt;
  if (std::find(words.begin(), words.end(), *value) != words.end()) return *value;
  std::string list;
  for (const auto word : words) list += (list.empty() ? "" : ", ") + std::string(word);
  refuse(name, "it is none of: " + list);
  return std::nullopt;
}

int query_parameters::limit() {
  return static_cast<int>(integer("limit", 1, 200).value_or(50));
}

std::optional<std::int64_t> query_parameters::after() {
  const auto value = text("after");
  if (!value) return std::nullopt;
  const auto number = whole_number(*value);
  if (!number || *number < 0) refuse("after", "it is no `next` of a page before");
  return number;
}

std::optional<error> query_parameters::finish() const {
  if (wrong_) return wrong_;
  for (const auto& [name, value] : given_)
    if (!taken_.contains(name)) return wrong_parameter(name, "there is no such parameter here");
  return std::nullopt;
}

}  // namespace catwalk::daemon
