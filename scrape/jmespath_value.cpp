#include "scrape/jmespath_value.hpp"

#include <cmath>
#include <limits>

namespace catwalk::scrape::jmespath_detail {
namespace {

const nlohmann::json null_json;

/// Two to the power of 63: from here on no int64 holds a double.
constexpr double beyond_int64 = 9223372036854775808.0;

int compare_integer_with_double(std::int64_t a, double b) {
  if (b >= beyond_int64) return -1;
  if (b < -beyond_int64) return 1;
  const auto whole = static_cast<std::int64_t>(b);
  if (a != whole) return a < whole ? -1 : 1;
  const double rest = b - static_cast<double>(whole);
  return rest > 0 ? -1 : rest < 0 ? 1 : 0;
}

}  // namespace

value::value() noexcept : value(null_json) {}

std::size_t value::size() const noexcept {
  if (const auto* made = list()) return made->size();
  if (const auto* made = map()) return made->size();
  return json()->size();
}

value value::operator[](std::size_t index) const {
  if (const auto* made = list()) return (*made)[index];
  return value((*json())[index]);
}

value value::member(const std::string& key) const {
  if (const auto* made = map()) {
    for (const auto& [name, member_value] : *made)
      if (*name == key) return member_value;
  } else if (json() && json()->is_object()) {
    const auto& object = json()->get_ref<const nlohmann::json::object_t&>();
    if (const auto found = object.find(key); found != object.end()) return value(found->second);
  }
  return value();
}

bool value::truthy() const noexcept {
  if (const auto* j = json()) {
    if (j->is_null()) return false;
    if (j->is_boolean()) return j->get<bool>();
    if (j->is_string()) return !string().empty();
    if (j->is_number()) return true;
  }
  return size() > 0;
}

const char* type_name(const value& v) noexcept {
  if (v.is_array()) return "array";
  if (v.is_object()) return "object";
  if (v.is_string()) return "string";
  if (v.is_number()) return "number";
  if (v.is_boolean()) return "boolean";
  return "null";
}

int compare_numbers(const nlohmann::json& a, const nlohmann::json& b) noexcept {
  constexpr auto int64_max = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  const auto is_large = [](const nlohmann::json& j) {
    return j.is_number_unsigned() && j.get<std::uint64_t>() > int64_max;
  };
  if (a.is_number_float() && b.is_number_float()) {
    const auto x = a.get<double>(), y = b.get<double>();
    return x < y ? -1 : x > y ? 1 : 0;
  }
  if (is_large(a) || is_large(b)) {
    if (is_large(a) && is_large(b)) {
      const auto x = a.get<std::uint64_t>(), y = b.get<std::uint64_t>();
      return x < y ? -1 : x > y ? 1 : 0;
    }
    const auto x = a.get<double>(), y = b.get<double>();
    return x < y ? -1 : x > y ? 1 : 0;
  }
  if (a.is_number_float()) return -compare_integer_with_double(b.get<std::int64_t>(), a.get<double>());
  if (b.is_number_float()) return compare_integer_with_double(a.get<std::int64_t>(), b.get<double>());
  const auto x = a.get<std::int64_t>(), y = b.get<std::int64_t>();
  return x < y ? -1 : x > y ? 1 : 0;
}

bool exceeds_depth(const nlohmann::json& json, int limit) {
  if (!json.is_structured()) return false;
  std::vector<std::pair<nlohmann::json::const_iterator, nlohmann::json::const_iterator>> open;
  open.emplace_back(json.begin(), json.end());
  while (!open.empty()) {
    auto& [next, end] = open.back();
    if (next == end) {
      open.pop_back();
      continue;
    }
    const auto& child = *next++;
    if (!child.is_structured()) continue;
    if (open.size() >= static_cast<std::size_t>(limit)) return true;
    open.emplace_back(child.begin(), child.end());
  }
  return false;
}

std::optional<nlohmann::json> arena::copy(const value& v, int depth) {
  if (const auto* j = v.json(); j && !j->is_structured()) {
    if (!work()) return std::nullopt;
    return *j;
  }
  if (depth >= jmespath::max_depth || !work(v.size() + 1)) return std::nullopt;
  if (v.is_array()) {
    auto out = nlohmann::json::array();
    auto& elements = out.get_ref<nlohmann::json::array_t&>();
    elements.reserve(v.size());
    for (std::size_t i = 0; i < v.size(); ++i) {
      auto element = copy(v[i], depth + 1);
      if (!element) return std::nullopt;
      elements.push_back(std::move(*element));
    }
    return out;
  }
  auto out = nlohmann::json::object();
  auto& members = out.get_ref<nlohmann::json::object_t&>();
  bool whole = true;
  v.each_member([&](const std::string& key, const value& member) {
    if (!whole) return;
    auto copied = copy(member, depth + 1);
    whole = copied.has_value();
    if (whole) members.insert_or_assign(members.end(), key, std::move(*copied));
  });
  if (!whole) return std::nullopt;
  return out;
}

std::optional<bool> arena::equal(const value& a, const value& b, int depth) {
  if (depth >= jmespath::max_depth || !work()) return std::nullopt;
  if (a.is_number() && b.is_number()) return compare_numbers(*a.json(), *b.json()) == 0;
  if (a.is_string() && b.is_string()) return a.string() == b.string();
  if (a.is_array() && b.is_array()) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
      if (const auto same = equal(a[i], b[i], depth + 1); same != true) return same;
    return true;
  }
  if (a.is_object() && b.is_object()) {
    if (a.size() != b.size()) return false;
    std::optional<bool> same = true;
    a.each_member([&](const std::string& key, const value& left) {
      if (same != true) return;
      const auto right = b.member(key);
      // A missing member reads as null: `left` being null does not mean that `b` has the key.
      if (right.is_null() && left.is_null()) {
        bool has = false;
        b.each_member([&](const std::string& other, const value&) { has = has || other == key; });
        same = has;
      } else {
        same = equal(left, right, depth + 1);
      }
    });
    return same;
  }
  if (a.is_boolean() && b.is_boolean()) return a.json()->get<bool>() == b.json()->get<bool>();
  return a.is_null() && b.is_null();
}

}  // namespace catwalk::scrape::jmespath_detail
