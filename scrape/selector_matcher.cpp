#include "scrape/selector_matcher.hpp"

#include <algorithm>
#include <limits>
#include <string>

#include "scrape/selector_condition.hpp"

namespace catwalk::scrape::css {
namespace {

constexpr std::uint32_t uncounted = std::numeric_limits<std::uint32_t>::max();

/// Whether n exists with step * n + offset == place, n from 0.
bool is_nth(std::int64_t place, std::int64_t step, std::int64_t offset) {
  const std::int64_t distance = place - offset;
  if (step == 0) return distance == 0;
  return distance % step == 0 && distance / step >= 0;
}

/// Elements of a child's type have this in common.
std::string type_key(const html_node& element) {
  return std::to_string(static_cast<int>(element.name_space())) + std::string(element.name());
}

}  // namespace

bool matcher::matches(const html_node& element, const selector_list& list, const html_node& anchor) {
  return std::any_of(list.begin(), list.end(), [&](const complex_selector& one) {
    return match_from(element, one, one.compounds.size() - 1, anchor) == verdict::match;
  });
}

matcher::verdict matcher::match_from(const html_node& element, const complex_selector& complex,
                                     std::size_t at, const html_node& anchor) {
  if (++steps_ > most_steps) return verdict::fails;
  const compound_selector& compound = complex.compounds[at];
  for (const simple_selector& part : compound.parts) {
    if (!match_part(element, part)) return verdict::fails_here;
  }
  if (at > 0) return match_related(element, complex, at, anchor);
  if (compound.to_previous == combinator::none) return verdict::match;
  return match_anchor(element, compound.to_previous, anchor) ? verdict::match : verdict::fails_here;
}

matcher::verdict matcher::match_related(const html_node& element, const complex_selector& complex,
                                        std::size_t at, const html_node& anchor) {
  switch (complex.compounds[at].to_previous) {
    case combinator::none:
    case combinator::descendant:
      for (html_node above = parent_element(element); above; above = parent_element(above)) {
        const verdict found = match_from(above, complex, at - 1, anchor);
        if (found == verdict::match || found == verdict::fails) return found;
      }
      return verdict::fails;
    case combinator::child: {
      const html_node above = parent_element(element);
      return above ? match_from(above, complex, at - 1, anchor) : verdict::fails;
    }
    case combinator::next_sibling: {
      const html_node before = previous_element(element);
      return before ? match_from(before, complex, at - 1, anchor) : verdict::fails_for_siblings;
    }
    case combinator::subsequent_sibling:
      for (html_node before = previous_element(element); before; before = previous_element(before)) {
        const verdict found = match_from(before, complex, at - 1, anchor);
        if (found != verdict::fails_here) return found;
      }
      return verdict::fails_for_siblings;
  }
  return verdict::fails;
}

/// How the first compound of a relative selector stands to what it is relative to.
bool matcher::match_anchor(const html_node& element, combinator relation, const html_node& anchor) {
  switch (relation) {
    case combinator::child:
      return element.parent() == anchor;
    case combinator::next_sibling:
      return previous_element(element) == anchor;
    case combinator::subsequent_sibling:
      return element.parent() == anchor.parent() && element.index() > anchor.index();
    case combinator::none:
    case combinator::descendant:
      return element.index() > anchor.index() && element.index() < anchor.end_index();
  }
  return false;
}

bool matcher::match_part(const html_node& element, const simple_selector& part) {
  switch (part.kind) {
    case simple_kind::any:
    case simple_kind::type:
      return has_type(element, part);
    case simple_kind::id:
      return has_id(element, part.text);
    case simple_kind::class_name:
      return has_class(element, part.text);
    case simple_kind::attribute:
      return has_attribute(element, part);
    case simple_kind::root:
      return element.parent().kind() == html_node_kind::document && !previous_element(element) &&
             !next_element(element);
    case simple_kind::scope:
      // In a whole document the scope is its root element.
      return element == (scope_.is_element() ? scope_ : element.document().document_element());
    case simple_kind::empty:
      return is_empty(element);
    case simple_kind::nth_child:
    case simple_kind::nth_of_type:
      return match_nth(element, part);
    case simple_kind::negation:
      return !matches(element, part.list, scope_);
    case simple_kind::any_of:
      return matches(element, part.list, scope_);
    case simple_kind::has:
      return std::any_of(part.list.begin(), part.list.end(),
                         [&](const complex_selector& one) { return match_has(element, one); });
    case simple_kind::contains:
    case simple_kind::contains_own:
      steps_ += (element.end_index() - element.index());
      return contains_text(element, part, part.kind == simple_kind::contains_own);
    case simple_kind::language:
      return has_language(element, part);
    case simple_kind::never:
      return false;
    default:
      return is_form_state(element, part.kind);
  }
}

bool matcher::match_has(const html_node& element, const complex_selector& complex) {
  const combinator start = complex.compounds.front().to_previous;
  const bool among_siblings = start == combinator::next_sibling || start == combinator::subsequent_sibling;
  const html_document& document = element.document();
  // What can match lies under the element, or under the siblings that follow it.
  const html_node container = among_siblings ? element.parent() : element;
  const std::uint32_t first = among_siblings ? element.end_index() : element.index() + 1;
  for (std::uint32_t at = first; container && at < container.end_index() && !exhausted(); ++at) {
    const html_node candidate = document.node(at);
    if (!candidate.is_element()) {
      ++steps_;
      continue;
    }
    if (match_from(candidate, complex, complex.compounds.size() - 1, element) == verdict::match) return true;
  }
  return false;
}

bool matcher::match_nth(const html_node& element, const simple_selector& part) {
  const std::uint32_t place = place_of(element, part);
  return place != uncounted && is_nth(place, part.step, part.offset);
}

/// The element's number among its siblings, or those of its type, or those that match `of`; from 1.
std::uint32_t matcher::place_of(const html_node& element, const simple_selector& part) {
  std::vector<std::uint32_t>& places = places_[&part];
  if (places.empty()) places.resize(element.document().size(), 0);
  if (places[element.index()] == 0) number_children(element.parent(), part, places);
  return places_[&part][element.index()];
}

void matcher::number_children(const html_node& parent, const simple_selector& part,
                              std::vector<std::uint32_t>& places) {
  std::unordered_map<std::string, std::uint32_t> by_type;
  std::uint32_t count = 0;
  html_node child = part.from_end ? parent.last_child() : parent.first_child();
  for (; child; child = part.from_end ? child.previous_sibling() : child.next_sibling()) {
    ++steps_;
    if (!child.is_element()) continue;
    if (!part.list.empty() && !matches(child, part.list, scope_)) {
      places[child.index()] = uncounted;
    } else if (part.kind == simple_kind::nth_of_type) {
      places[child.index()] = ++by_type[type_key(child)];
    } else {
      places[child.index()] = ++count;
    }
  }
}

}  // namespace catwalk::scrape::css
