#include "config/letter_case.hpp"
#include "core/http_client.hpp"

namespace catwalk {
void http_headers::set(std::string_view name, std::string value) {
  remove(name);
  list_.emplace_back(std::string(name), std::move(value));
}

void http_headers::set_default(std::string_view name, std::string value) {
  if (!find(name)) list_.emplace_back(std::string(name), std::move(value));
}

void http_headers::remove(std::string_view name) {
  std::erase_if(list_, [&](const entry& e) { return config::equal_but_for_case(e.first, name); });
}

std::optional<std::string_view> http_headers::find(std::string_view name) const noexcept {
  for (const auto& [key, value] : list_)
    if (config::equal_but_for_case(key, name)) return value;
  return std::nullopt;
}

}  // namespace catwalk
