#include "scrape/selector_names.hpp"

#include <algorithm>
#include <array>

namespace catwalk::scrape::css {
namespace {

struct named_kind {
  std::string_view name;
  simple_kind kind;
};

constexpr std::array<named_kind, 14> plain_classes{{
    {"root", simple_kind::root},
    {"scope", simple_kind::scope},
    {"empty", simple_kind::empty},
    {"link", simple_kind::link},
    {"any-link", simple_kind::link},
    {"checked", simple_kind::checked},
    {"disabled", simple_kind::disabled},
    {"enabled", simple_kind::enabled},
    {"required", simple_kind::required},
    {"optional", simple_kind::optional},
    {"read-only", simple_kind::read_only},
    {"read-write", simple_kind::read_write},
    {"placeholder-shown", simple_kind::placeholder_shown},
    {"defined", simple_kind::defined},
}};

constexpr std::array<std::string_view, 20> browser_classes{
    "active",       "current",    "focus",   "focus-visible", "focus-within", "future",  "host",
    "hover",        "local-link", "past",    "paused",        "playing",      "target",  "target-within",
    "user-invalid", "user-valid", "visited", "fullscreen",    "modal",        "autofill"};
constexpr std::array<std::string_view, 9> pseudo_elements{"after",      "before",    "first-letter",
                                                          "first-line", "selection", "placeholder",
                                                          "marker",     "backdrop",  "file-selector-button"};
constexpr std::array<std::string_view, 4> colon_elements{"after", "before", "first-letter", "first-line"};

constexpr std::array<std::string_view, 7> not_done{"default", "dir",          "in-range", "indeterminate",
                                                   "invalid", "out-of-range", "valid"};

template <std::size_t N>
bool holds(const std::array<std::string_view, N>& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

}  // namespace

std::optional<simple_kind> plain_class(std::string_view name) {
  const auto found = std::find_if(plain_classes.begin(), plain_classes.end(),
                                  [&](const named_kind& one) { return one.name == name; });
  if (found == plain_classes.end()) return std::nullopt;
  return found->kind;
}

bool is_browser_class(std::string_view name) {
  return holds(browser_classes, name);
}

bool is_class_not_done(std::string_view name) {
  return holds(not_done, name);
}

bool is_pseudo_element(std::string_view name) {
  return holds(pseudo_elements, name);
}

bool is_colon_element(std::string_view name) {
  return holds(colon_elements, name);
}

}  // namespace catwalk::scrape::css
