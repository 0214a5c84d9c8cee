#include "config/yaml_value.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "config/byte_size.hpp"
#include "config/duration.hpp"
#include "config/letter_case.hpp"
#include "config/nearest_key.hpp"

namespace catwalk::config {
namespace {

std::nullopt_t expected(const yaml_node& node, std::string_view name, std::string_view what, problems& found,
                        std::string hint = {}) {
  return refuse(found, node.where,
                std::string(name) + ": expected " + std::string(what) + ", " + description(node),
                std::move(hint));
}

std::string number_text(double value) {
  std::string text(32, '\0');
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  text.resize(static_cast<std::size_t>(end - text.data()));
  return text;
}

template <class T>
std::optional<T> parse_all(const std::string& text) {
  T value{};
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::nullopt_t refuse(problems& found, const place& where, std::string what, std::string hint) {
  found.push_back({problem::level::error, where, std::move(what), std::move(hint)});
  return std::nullopt;
}

void warn(problems& found, const place& where, std::string what, std::string hint) {
  found.push_back({problem::level::warning, where, std::move(what), std::move(hint)});
}

std::string description(const yaml_node& node) {
  switch (node.type) {
    case yaml_node::kind::null:
      return "found nothing";
    case yaml_node::kind::sequence:
      return "found a list";
    case yaml_node::kind::mapping:
      return "found a mapping";
    case yaml_node::kind::scalar:
      break;
  }
  constexpr std::size_t shown = 60;
  if (const auto assigns = node.text.find('='); assigns != std::string::npos && assigns < shown)
    return "found '" + node.text.substr(0, assigns + 1) + "…'";
  if (node.text.size() <= shown) return "found '" + node.text + "'";
  std::size_t cut = shown;
  while (cut > 0 && (node.text[cut] & 0xC0) == 0x80) --cut;  // no half characters
  return "found '" + node.text.substr(0, cut) + "…'";
}

std::string_view key_alone(std::string_view key) {
  return key.substr(0, key.find_first_of(" \t:="));
}

std::string shown_key(std::string_view key) {
  const auto alone = key_alone(key);
  return "'" + std::string(alone) + (alone.size() == key.size() ? "'" : "…'");
}

std::string one_line(const yaml_node& node) {
  std::string line;
  switch (node.type) {
    case yaml_node::kind::null:
      return "null";
    case yaml_node::kind::scalar:
      return node.text;
    case yaml_node::kind::sequence:
      for (const auto& item : node.items) line += (line.empty() ? "" : ", ") + one_line(*item);
      return "[" + line + "]";
    case yaml_node::kind::mapping:
      for (const auto& entry : node.entries)
        line += (line.empty() ? "" : ", ") + entry.key + ": " + one_line(*entry.value);
      return "{ " + line + " }";
  }
  return line;
}

std::optional<std::string> read_text(const yaml_node& node, std::string_view name, problems& found) {
  if (node.type != yaml_node::kind::scalar) return expected(node, name, "a text", found);
  return node.text;
}

std::optional<std::string> read_line(const yaml_node& node, std::string_view name, problems& found) {
  auto text = read_text(node, name, found);
  if (!text) return std::nullopt;
  constexpr std::string_view blanks = " \t\r\n";
  const auto first = text->find_first_not_of(blanks);
  if (first == std::string::npos) return std::string();
  text = text->substr(first, text->find_last_not_of(blanks) - first + 1);
  if (text->find_first_of("\r\n") != std::string::npos) {
    return refuse(found, node.where, std::string(name) + ": a line break inside of the value",
                  "write it on one line");
  }
  return text;
}

std::optional<bool> read_flag(const yaml_node& node, std::string_view name, problems& found) {
  const std::string word = node.type == yaml_node::kind::scalar ? lower_case(node.text) : std::string();
  for (const char* yes : {"true", "yes", "on", "1"}) {
    if (word == yes) return true;
  }
  for (const char* no : {"false", "no", "off", "0"}) {
    if (word == no) return false;
  }
  return expected(node, name, "true or false", found);
}

std::optional<std::int64_t> read_integer(const yaml_node& node, std::string_view name, std::int64_t low,
                                         std::int64_t high, problems& found) {
  const auto value = node.type == yaml_node::kind::scalar ? parse_all<std::int64_t>(node.text) : std::nullopt;
  if (value && *value >= low && *value <= high) return value;
  return expected(node, name, "a whole number from " + std::to_string(low) + " to " + std::to_string(high),
                  found);
}

std::optional<double> read_number(const yaml_node& node, std::string_view name, double low, double high,
                                  problems& found) {
  const auto value = node.type == yaml_node::kind::scalar ? parse_all<double>(node.text) : std::nullopt;
  if (value && std::isfinite(*value) && *value >= low && *value <= high) return value;
  return expected(node, name, "a number from " + number_text(low) + " to " + number_text(high), found);
}

std::optional<duration> read_duration(const yaml_node& node, std::string_view name, duration low,
                                      duration high, problems& found) {
  const auto value = node.type == yaml_node::kind::scalar ? parse_duration(node.text) : std::nullopt;
  if (!value) return expected(node, name, "a duration", found, "write it as 90s, 1h30m, 20ms or 30d");
  if (*value >= low && *value <= high) return value;
  return expected(node, name, "a duration from " + format_duration(low) + " to " + format_duration(high),
                  found);
}

std::optional<bytes> read_byte_size(const yaml_node& node, std::string_view name, bytes low, bytes high,
                                    problems& found) {
  const auto value = node.type == yaml_node::kind::scalar ? parse_byte_size(node.text) : std::nullopt;
  if (!value) return expected(node, name, "a size", found, "write it as 20MB (10^6 bytes) or 20MiB (2^20)");
  if (*value >= low && *value <= high) return value;
  return expected(node, name, "a size from " + format_byte_size(low) + " to " + format_byte_size(high),
                  found);
}

std::optional<std::string> read_choice(const yaml_node& node, std::string_view name,
                                       const std::vector<std::string>& valid, problems& found) {
  if (node.type == yaml_node::kind::scalar) {
    if (std::find(valid.begin(), valid.end(), node.text) != valid.end()) return node.text;
  }
  std::string list;
  for (std::size_t i = 0; i < valid.size(); ++i)
    list += (i == 0 ? "" : i + 1 == valid.size() ? " or " : ", ") + valid[i];
  const std::string near =
      node.type == yaml_node::kind::scalar ? nearest_key(node.text, valid) : std::string();
  return expected(node, name, list, found, near.empty() ? "" : "did you mean '" + near + "'?");
}

std::optional<std::vector<located_text>> read_texts(const yaml_node& node, std::string_view name,
                                                    problems& found) {
  std::vector<located_text> texts;
  if (node.type == yaml_node::kind::null) return texts;
  if (node.type == yaml_node::kind::scalar) {
    texts.push_back({node.text, node.where});
    return texts;
  }
  if (node.type != yaml_node::kind::sequence) return expected(node, name, "a text or a list of texts", found);
  bool good = true;
  for (const auto& item : node.items) {
    if (auto text = read_text(*item, name, found)) {
      texts.push_back({std::move(*text), item->where});
    } else {
      good = false;
    }
  }
  if (!good) return std::nullopt;
  return texts;
}

}  // namespace catwalk::config
