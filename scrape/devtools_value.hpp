#pragma once
#include <nlohmann/json.hpp>
#include <string>

namespace catwalk::scrape {

// What stands under a key of a message of DevTools; empty, 0 or false where it is missing or of another kind.

inline std::string text_at(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

inline long number_at(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<long>() : 0;
}

inline bool flag_at(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

}  // namespace catwalk::scrape
