#include "scrape/jmespath_evaluation.hpp"

#include <algorithm>

namespace catwalk::scrape::jmespath_detail {
namespace {

const nlohmann::json true_json = true;
const nlohmann::json false_json = false;

value boolean(bool b) {
  return value(b ? true_json : false_json);
}

}  // namespace

value evaluation::fail(std::string message) {
  if (!failure_) failure_ = jmespath_error{jmespath_error_kind::invalid_type, offset_, std::move(message)};
  return value();
}

value evaluation::fail_limit() {
  if (!failure_) {
    failure_ = jmespath_error{jmespath_error_kind::invalid_value, offset_,
                              "the values are nested too deeply or are too many"};
    limit_reached_ = true;
  }
  return value();
}

nlohmann::json evaluation::copy(const value& v) {
  if (auto copied = arena_.copy(v)) return std::move(*copied);
  fail_limit();
  return nullptr;
}

bool evaluation::equal(const value& a, const value& b) {
  if (const auto same = arena_.equal(a, b)) return *same;
  fail_limit();
  return false;
}

value evaluation::evaluate(const node& n, const value& current) {
  if (failed()) return value();
  switch (n.kind) {
    case node_kind::identity:
      return current;
    case node_kind::field:
      return current.member(n.name);
    case node_kind::index: {
      if (!current.is_array()) return value();
      const auto size = static_cast<std::int64_t>(current.size());
      const auto index = n.number < 0 ? n.number + size : n.number;
      return index >= 0 && index < size ? current[static_cast<std::size_t>(index)] : value();
    }
    case node_kind::slice:
      return slice(n, current);
    case node_kind::literal:
      return value(n.value);
    case node_kind::chain:
      return evaluate(child(n, 1), evaluate(child(n, 0), current));
    case node_kind::projection:
    case node_kind::filter_projection:
      return project(n, evaluate(child(n, 0), current));
    case node_kind::object_projection:
      return project_object(n, evaluate(child(n, 0), current));
    case node_kind::flatten:
      return flatten(n, evaluate(child(n, 0), current));
    case node_kind::multi_select_list: {
      if (current.is_null()) return value();
      auto& out = arena_.make_list();
      out.reserve(n.children.size());
      for (std::size_t i = 0; i < n.children.size(); ++i) out.push_back(evaluate(child(n, i), current));
      return value(out);
    }
    case node_kind::multi_select_hash:
      return multi_select_hash(n, current);
    case node_kind::either: {
      const auto left = evaluate(child(n, 0), current);
      return left.truthy() ? left : evaluate(child(n, 1), current);
    }
    case node_kind::both: {
      const auto left = evaluate(child(n, 0), current);
      return left.truthy() ? evaluate(child(n, 1), current) : left;
    }
    case node_kind::negation:
      return boolean(!evaluate(child(n, 0), current).truthy());
    case node_kind::comparison:
      return compare(n, current);
    case node_kind::call:
      return call(n, current);
    case node_kind::reference:
      break;
  }
  return value();
}

value evaluation::slice(const node& n, const value& current) {
  if (!current.is_array()) return value();
  const auto size = static_cast<std::int64_t>(current.size());
  const auto step = n.bounds.step.value_or(1);
  // Python's rule: from the end where negative, then clamped to the positions that the direction can start
  // and end at.
  const std::int64_t lowest = step < 0 ? -1 : 0;
  const std::int64_t highest = step < 0 ? size - 1 : size;
  const auto clamp = [&](std::int64_t bound) {
    return std::clamp(bound < 0 ? bound + size : bound, lowest, highest);
  };
  const auto start = n.bounds.start ? clamp(*n.bounds.start) : step < 0 ? highest : lowest;
  const auto stop = n.bounds.stop ? clamp(*n.bounds.stop) : step < 0 ? lowest : highest;
  auto& out = arena_.make_list();
  for (auto i = start; step < 0 ? i > stop : i < stop;) {
    if (!arena_.work()) return fail_limit();
    out.push_back(current[static_cast<std::size_t>(i)]);
    const auto left = step < 0 ? i - stop : stop - i;
    if (step < 0 ? -(step + 1) >= left : step >= left) break;  // i + step might overflow
    i += step;
  }
  return value(out);
}

value evaluation::project(const node& n, const value& current) {
  if (!current.is_array()) return value();
  auto& out = arena_.make_list();
  const auto& right = child(n, 1);
  const node* condition = n.kind == node_kind::filter_projection ? &child(n, 2) : nullptr;
  const auto size = current.size();
  for (std::size_t i = 0; i < size && !failed(); ++i) {
    if (!arena_.work()) return fail_limit();
    const auto element = current[i];
    if (condition && !evaluate(*condition, element).truthy()) continue;
    const auto projected = evaluate(right, element);
    if (!projected.is_null()) out.push_back(projected);
  }
  return value(out);
}

value evaluation::project_object(const node& n, const value& current) {
  if (!current.is_object()) return value();
  auto& out = arena_.make_list();
  const auto& right = child(n, 1);
  current.each_member([&](const std::string&, const value& member) {
    if (failed()) return;
    if (!arena_.work()) return void(fail_limit());
    const auto projected = evaluate(right, member);
    if (!projected.is_null()) out.push_back(projected);
  });
  return value(out);
}

value evaluation::flatten(const node&, const value& current) {
  if (!current.is_array()) return value();
  auto& out = arena_.make_list();
  for (std::size_t i = 0; i < current.size(); ++i) {
    const auto element = current[i];
    if (!arena_.work(element.is_array() ? element.size() + 1 : 1)) return fail_limit();
    if (!element.is_array()) {
      out.push_back(element);
      continue;
    }
    for (std::size_t k = 0; k < element.size(); ++k) out.push_back(element[k]);
  }
  return value(out);
}

value evaluation::multi_select_hash(const node& n, const value& current) {
  if (current.is_null()) return value();
  auto& out = arena_.make_map();
  out.reserve(n.keys.size());
  for (std::size_t i = 0; i < n.keys.size(); ++i) {
    const auto member = evaluate(child(n, i), current);
    const auto same =
        std::find_if(out.begin(), out.end(), [&](const auto& m) { return *m.first == n.keys[i]; });
    if (same != out.end())
      same->second = member;
    else
      out.emplace_back(&n.keys[i], member);
  }
  return value(out);
}

value evaluation::compare(const node& n, const value& current) {
  const auto left = evaluate(child(n, 0), current);
  const auto right = evaluate(child(n, 1), current);
  if (n.compare == comparator::equal) return boolean(equal(left, right));
  if (n.compare == comparator::not_equal) return boolean(!equal(left, right));
  int order = 0;
  if (left.is_number() && right.is_number())
    order = compare_numbers(*left.json(), *right.json());
  else if (left.is_string() && right.is_string())
    order = left.string().compare(right.string());
  else
    return value();
  switch (n.compare) {
    case comparator::less:
      return boolean(order < 0);
    case comparator::less_equal:
      return boolean(order <= 0);
    case comparator::greater:
      return boolean(order > 0);
    default:
      return boolean(order >= 0);
  }
}

value evaluation::call(const node& n, const value& current) {
  const auto& function = *n.function;
  std::vector<argument> arguments;
  arguments.reserve(n.children.size());
  for (std::size_t i = 0; i < n.children.size(); ++i) {
    const auto& c = child(n, i);
    if (c.kind == node_kind::reference)
      arguments.push_back({value(), &child(c, 0)});
    else
      arguments.push_back({evaluate(c, current), nullptr});
  }
  if (failed()) return value();
  const auto outer = offset_;
  offset_ = n.offset;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const auto& a = arguments[i];
    if (!a.reference && !is_accepted(a.v, function.parameter(i)))
      return fail(std::string(function.name) + "(): argument " + std::to_string(i + 1) + " must be " +
                  describe_accepted(function.parameter(i)) + ", not " + type_name(a.v));
  }
  const auto answer = function.call(*this, arguments);
  if (!failed()) offset_ = outer;
  return answer;
}

}  // namespace catwalk::scrape::jmespath_detail
