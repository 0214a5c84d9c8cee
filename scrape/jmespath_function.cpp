#include "scrape/jmespath_function.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "scrape/jmespath_evaluation.hpp"

namespace catwalk::scrape::jmespath_detail {
namespace {

using json = nlohmann::json;
using arguments = std::span<const argument>;

bool starts_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
}

value make(evaluation& e, json j) {
  return value(e.memory().keep(std::move(j)));
}

/// A whole double as an integer where one holds it: ceil(1.2) is 2, not 2.0.
json whole(double d) {
  if (std::abs(d) < 9.0e18) return static_cast<std::int64_t>(d);
  return d;
}

value abs(evaluation& e, arguments a) {
  const auto& n = *a[0].v.json();
  if (n.is_number_float()) return make(e, std::abs(n.get<double>()));
  if (n.is_number_unsigned() || n.get<std::int64_t>() >= 0) return a[0].v;
  return make(e, std::uint64_t{0} - static_cast<std::uint64_t>(n.get<std::int64_t>()));
}

value ceil(evaluation& e, arguments a) {
  const auto& n = *a[0].v.json();
  return n.is_number_float() ? make(e, whole(std::ceil(n.get<double>()))) : a[0].v;
}

value floor(evaluation& e, arguments a) {
  const auto& n = *a[0].v.json();
  return n.is_number_float() ? make(e, whole(std::floor(n.get<double>()))) : a[0].v;
}

/// Exact while every number and the sum are integers of 64 bits.
json sum_of(const value& numbers) {
  std::int64_t integer = 0;
  double real = 0;
  bool exact = true;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto& n = *numbers[i].json();
    real += n.get<double>();
    exact = exact && n.is_number_integer() &&
            (!n.is_number_unsigned() || n.get<std::uint64_t>() <= INT64_MAX) &&
            !__builtin_add_overflow(integer, n.get<std::int64_t>(), &integer);
  }
  return exact ? json(integer) : json(real);
}

value sum(evaluation& e, arguments a) {
  return make(e, sum_of(a[0].v));
}

value avg(evaluation& e, arguments a) {
  const auto& numbers = a[0].v;
  if (numbers.size() == 0) return value();
  return make(e, sum_of(numbers).get<double>() / static_cast<double>(numbers.size()));
}

value contains(evaluation& e, arguments a) {
  const auto& subject = a[0].v;
  const auto& wanted = a[1].v;
  if (subject.is_string())
    return make(e, wanted.is_string() && subject.string().find(wanted.string()) != std::string::npos);
  for (std::size_t i = 0; i < subject.size() && !e.failed(); ++i)
    if (e.equal(subject[i], wanted)) return make(e, true);
  return make(e, false);
}

value starts_with(evaluation& e, arguments a) {
  return make(e, a[0].v.string().starts_with(a[1].v.string()));
}
value ends_with(evaluation& e, arguments a) {
  return make(e, a[0].v.string().ends_with(a[1].v.string()));
}

value join(evaluation& e, arguments a) {
  std::string out;
  for (std::size_t i = 0; i < a[1].v.size(); ++i) {
    if (i) out += a[0].v.string();
    out += a[1].v[i].string();
    if (!e.memory().work()) return e.fail_limit();
  }
  return make(e, std::move(out));
}

value keys(evaluation& e, arguments a) {
  auto& out = e.memory().make_list();
  a[0].v.each_member([&](const std::string& key, const value&) { out.push_back(make(e, key)); });
  return value(out);
}

value values(evaluation& e, arguments a) {
  auto& out = e.memory().make_list();
  a[0].v.each_member([&](const std::string&, const value& member) { out.push_back(member); });
  return value(out);
}

value length(evaluation& e, arguments a) {
  const auto& v = a[0].v;
  if (!v.is_string()) return make(e, v.size());
  return make(e, std::count_if(v.string().begin(), v.string().end(), starts_character));
}

value map(evaluation& e, arguments a) {
  auto& out = e.memory().make_list();
  for (std::size_t i = 0; i < a[1].v.size() && !e.failed(); ++i) {
    if (!e.memory().work()) return e.fail_limit();
    out.push_back(e.evaluate(*a[0].reference, a[1].v[i]));
  }
  return value(out);
}

value merge(evaluation& e, arguments a) {
  std::map<std::string_view, std::pair<const std::string*, value>> members;
  for (const auto& object : a)
    object.v.each_member([&](const std::string& key, const value& member) { members[key] = {&key, member}; });
  auto& out = e.memory().make_map();
  for (const auto& [name, member] : members) out.push_back(member);
  return value(out);
}

value not_null(evaluation&, arguments a) {
  const auto found = std::find_if(a.begin(), a.end(), [](const argument& x) { return !x.v.is_null(); });
  return found == a.end() ? value() : found->v;
}

value reverse(evaluation& e, arguments a) {
  const auto& v = a[0].v;
  if (v.is_string()) {
    const auto& text = v.string();
    std::string out;
    out.reserve(text.size());
    for (std::size_t end = text.size(); end > 0;) {
      std::size_t start = end - 1;
      while (start > 0 && !starts_character(text[start])) --start;
      out.append(text, start, end - start);
      end = start;
    }
    return make(e, std::move(out));
  }
  auto& out = e.memory().make_list();
  for (std::size_t i = v.size(); i > 0; --i) out.push_back(v[i - 1]);
  return value(out);
}

/// Both are numbers or both are strings.
bool less(const value& a, const value& b) {
  return a.is_number() ? compare_numbers(*a.json(), *b.json()) < 0 : a.string() < b.string();
}

value sort(evaluation& e, arguments a) {
  auto& out = e.memory().make_list();
  for (std::size_t i = 0; i < a[0].v.size(); ++i) out.push_back(a[0].v[i]);
  std::stable_sort(out.begin(), out.end(), less);
  return value(out);
}

using keyed = std::pair<value, value>;  ///< key, element

/// The elements with what the reference makes of them: all numbers or all strings, or the evaluation fails.
std::vector<keyed> keyed_elements(evaluation& e, const char* function, const value& elements,
                                  const node& reference) {
  std::vector<keyed> out;
  for (std::size_t i = 0; i < elements.size() && !e.failed(); ++i) {
    if (!e.memory().work()) e.fail_limit();
    const auto key = e.evaluate(reference, elements[i]);
    if (e.failed()) break;
    const bool comparable = key.is_number() || key.is_string();
    if (!comparable || (!out.empty() && key.is_number() != out.front().first.is_number())) {
      e.fail(std::string(function) + "(): the expression must give numbers only or strings only, not " +
             (comparable ? "both" : type_name(key)));
      break;
    }
    out.emplace_back(key, elements[i]);
  }
  if (e.failed()) out.clear();
  return out;
}

bool key_less(const keyed& a, const keyed& b) {
  return less(a.first, b.first);
}

value sort_by(evaluation& e, arguments a) {
  auto elements = keyed_elements(e, "sort_by", a[0].v, *a[1].reference);
  std::stable_sort(elements.begin(), elements.end(), key_less);
  auto& out = e.memory().make_list();
  for (const auto& [key, element] : elements) out.push_back(element);
  return value(out);
}

value max(evaluation&, arguments a) {
  const auto& v = a[0].v;
  if (v.size() == 0) return value();
  auto best = v[0];
  for (std::size_t i = 1; i < v.size(); ++i)
    if (less(best, v[i])) best = v[i];
  return best;
}

value min(evaluation&, arguments a) {
  const auto& v = a[0].v;
  if (v.size() == 0) return value();
  auto best = v[0];
  for (std::size_t i = 1; i < v.size(); ++i)
    if (less(v[i], best)) best = v[i];
  return best;
}

value max_by(evaluation& e, arguments a) {
  const auto elements = keyed_elements(e, "max_by", a[0].v, *a[1].reference);
  const auto best = std::max_element(elements.begin(), elements.end(), key_less);
  return best == elements.end() ? value() : best->second;
}

value min_by(evaluation& e, arguments a) {
  const auto elements = keyed_elements(e, "min_by", a[0].v, *a[1].reference);
  const auto best = std::min_element(elements.begin(), elements.end(), key_less);
  return best == elements.end() ? value() : best->second;
}

value to_array(evaluation& e, arguments a) {
  if (a[0].v.is_array()) return a[0].v;
  auto& out = e.memory().make_list();
  out.push_back(a[0].v);
  return value(out);
}

value to_string(evaluation& e, arguments a) {
  if (a[0].v.is_string()) return a[0].v;
  const auto copied = e.copy(a[0].v);
  return make(e, copied.dump(-1, ' ', false, json::error_handler_t::replace));
}

/// A number as JSON writes it, and as people do: spaces around it, a plus sign, leading zeros, a bare point.
/// null otherwise (so for "inf" and "1e999" too, which JSON cannot hold).
json parse_number(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return nullptr;
  }
  const auto first_digit = text.find_first_of("0123456789");
  const auto other = text.find_first_not_of("+-.eE0123456789");
  if (first_digit == std::string_view::npos || other != std::string_view::npos) return nullptr;
  const char* const end = text.data() + text.size();
  std::int64_t integer = 0;
  if (const auto r = std::from_chars(text.data(), end, integer); r.ec == std::errc() && r.ptr == end)
    return integer;
  double real = 0;
  if (const auto r = std::from_chars(text.data(), end, real);
      r.ec == std::errc() && r.ptr == end && std::isfinite(real))
    return real;
  return nullptr;
}

value to_number(evaluation& e, arguments a) {
  const auto& v = a[0].v;
  if (v.is_number()) return v;
  return v.is_string() ? make(e, parse_number(v.string())) : value();
}

value type(evaluation& e, arguments a) {
  return make(e, type_name(a[0].v));
}

const std::vector<function_spec>& functions() {
  using namespace accepts;
  static const std::vector<function_spec> all{
      {"abs", {number}, false, abs},
      {"avg", {numbers}, false, avg},
      {"ceil", {number}, false, ceil},
      {"contains", {array | string, any}, false, contains},
      {"ends_with", {string, string}, false, ends_with},
      {"floor", {number}, false, floor},
      {"join", {string, strings}, false, join},
      {"keys", {object}, false, keys},
      {"length", {string | array | object}, false, length},
      {"map", {reference, array}, false, map},
      {"max", {numbers | strings}, false, max},
      {"max_by", {array, reference}, false, max_by},
      {"merge", {object}, true, merge},
      {"min", {numbers | strings}, false, min},
      {"min_by", {array, reference}, false, min_by},
      {"not_null", {any}, true, not_null},
      {"reverse", {string | array}, false, reverse},
      {"sort", {numbers | strings}, false, sort},
      {"sort_by", {array, reference}, false, sort_by},
      {"starts_with", {string, string}, false, starts_with},
      {"sum", {numbers}, false, sum},
      {"to_array", {any}, false, to_array},
      {"to_number", {any}, false, to_number},
      {"to_string", {any}, false, to_string},
      {"type", {any}, false, type},
      {"values", {object}, false, values},
  };
  return all;
}

bool all_elements(const value& v, bool (value::*is)() const noexcept) {
  if (!v.is_array()) return false;
  for (std::size_t i = 0; i < v.size(); ++i)
    if (!(v[i].*is)()) return false;
  return true;
}

}  // namespace

const function_spec* find_function(std::string_view name) noexcept {
  const auto& all = functions();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const function_spec& f) { return f.name == name; });
  return found == all.end() ? nullptr : &*found;
}

bool is_accepted(const value& v, std::uint16_t mask) noexcept {
  if ((mask & accepts::any) == accepts::any) return true;
  return ((mask & accepts::number) && v.is_number()) || ((mask & accepts::string) && v.is_string()) ||
         ((mask & accepts::boolean) && v.is_boolean()) || ((mask & accepts::array) && v.is_array()) ||
         ((mask & accepts::object) && v.is_object()) || ((mask & accepts::null) && v.is_null()) ||
         ((mask & accepts::numbers) && all_elements(v, &value::is_number)) ||
         ((mask & accepts::strings) && all_elements(v, &value::is_string));
}

std::string describe_accepted(std::uint16_t mask) {
  static constexpr std::array<std::pair<std::uint16_t, std::string_view>, 9> names{{
      {accepts::number, "a number"},
      {accepts::string, "a string"},
      {accepts::boolean, "a boolean"},
      {accepts::array, "an array"},
      {accepts::object, "an object"},
      {accepts::null, "null"},
      {accepts::numbers, "an array of numbers"},
      {accepts::strings, "an array of strings"},
      {accepts::reference, "an expression reference"},
  }};
  std::string out;
  for (const auto& [bit, name] : names)
    if (mask & bit) (out += out.empty() ? "" : " or ") += name;
  return out;
}

}  // namespace catwalk::scrape::jmespath_detail
