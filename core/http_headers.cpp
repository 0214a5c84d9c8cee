#include <algorithm>

#include "core/http_client.hpp"

namespace catwalk {
namespace {

char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_name(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

void http_headers::set(std::string_view name, std::string value) {
  remove(name);
  list_.emplace_back(std::string(name), std::move(value));
}

void http_headers::set_default(std::string_view name, std::string value) {
  if (!find(name)) list_.emplace_back(std::string(name), std::move(value));
}

void http_headers::remove(std::string_view name) {
  std::erase_if(list_, [&](const entry& e) { return same_name(e.first, name); });
}

std::optional<std::string_view> http_headers::find(std::string_view name) const noexcept {
  for (const auto& [key, value] : list_)
    if (same_name(key, name)) return value;
  return std::nullopt;
}

}  // namespace catwalk
