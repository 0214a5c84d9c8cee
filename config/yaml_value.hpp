#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/problem.hpp"
#include "config/settings.hpp"
#include "config/yaml_document.hpp"

namespace catwalk::config {

/// Adds a problem; returns nullopt so that readers can `return refuse(…)`.
std::nullopt_t refuse(problems& found, const place& where, std::string what, std::string hint = {});
void warn(problems& found, const place& where, std::string what, std::string hint = {});

/// "found 'abc'", "found a list" …, for messages; long texts are cut, and what an `=` assigns is left out: it
/// may be a secret.
std::string description(const yaml_node& node);
/// What a key that is not known was meant to be: a missing colon or blank makes the value, which may be a
/// secret, a part of it.
std::string_view key_alone(std::string_view key);
/// The same for messages: "'key'", or "'key…'" where something was left out.
std::string shown_key(std::string_view key);
/// The whole value on one line, as YAML's flow style writes it: two values are equal when their lines are.
std::string one_line(const yaml_node& node);

// Each reads one value and adds a problem with the value's place where it does not fit; `name` is the key's
// path, as `fetch.pages.delay`. Ranges are inclusive.

/// Any scalar, as it was written: numbers and booleans are taken as their text.
std::optional<std::string> read_text(const yaml_node& node, std::string_view name, problems& found);
/// As read_text, for a value that goes into a header or an address: without line breaks, blanks around it
/// dropped.
std::optional<std::string> read_line(const yaml_node& node, std::string_view name, problems& found);
/// true, yes, on, 1, false, no, off, 0; case is free.
std::optional<bool> read_flag(const yaml_node& node, std::string_view name, problems& found);
std::optional<std::int64_t> read_integer(const yaml_node& node, std::string_view name, std::int64_t low,
                                         std::int64_t high, problems& found);
std::optional<double> read_number(const yaml_node& node, std::string_view name, double low, double high,
                                  problems& found);
std::optional<duration> read_duration(const yaml_node& node, std::string_view name, duration low,
                                      duration high, problems& found);
std::optional<bytes> read_byte_size(const yaml_node& node, std::string_view name, bytes low, bytes high,
                                    problems& found);
/// One of `valid`; the error lists them.
std::optional<std::string> read_choice(const yaml_node& node, std::string_view name,
                                       const std::vector<std::string>& valid, problems& found);
/// One text or a list of them, each with its place. Null gives an empty list.
std::optional<std::vector<located_text>> read_texts(const yaml_node& node, std::string_view name,
                                                    problems& found);

}  // namespace catwalk::config
