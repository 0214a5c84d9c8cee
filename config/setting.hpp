#pragma once
#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/byte_size.hpp"
#include "config/duration.hpp"
#include "config/reading.hpp"
#include "config/reference.hpp"
#include "config/secret_source.hpp"
#include "config/settings.hpp"
#include "config/yaml_value.hpp"

namespace catwalk::config {

/// One key: what the reference page says of it, and how its value gets into `Target`.
template <class Target>
struct setting_of {
  key_description about;
  std::function<void(Target&, const yaml_node&, reading&)> apply;
};

using setting = setting_of<settings>;
using job_setting = setting_of<job_settings>;

/// All keys of `catwalk.yaml` but those of a job.
const std::vector<setting>& setting_table();
/// The keys of one entry of `schedule.jobs`.
const std::vector<job_setting>& job_setting_table();

/// Reads `schedule.jobs`.
std::vector<job_settings> read_jobs(const yaml_node& node, reading& context);

/// `CATWALK_FETCH_PAGES_DELAY` for `fetch.pages.delay`.
std::string environment_name(const std::string& key);

/// Makers of table rows. `Member` gives the field of a target; the default shown is the field's own in a
/// fresh target.
template <class Target>
struct setting_maker {
  bool in_environment = true;

  template <class Read>
  setting_of<Target> row(std::string key, std::string type, std::string shown, std::string doc,
                         Read read) const {
    setting_of<Target> made{{key,
                             std::move(type),
                             std::move(shown),
                             in_environment ? environment_name(key) : "",
                             std::move(doc),
                             {},
                             {}},
                            nullptr};
    made.apply = [key = std::move(key), read = std::move(read)](Target& target, const yaml_node& node,
                                                                reading& context) {
      read(target, node, key, context);
      context.written[key] = one_line(node);
    };
    return made;
  }

  template <class Member>
  setting_of<Target> text(std::string key, Member member, std::string doc) const {
    Target fresh;
    return row(std::move(key), "text", member(fresh), std::move(doc),
               [member](Target& t, const yaml_node& node, const std::string& name, reading& c) {
                 if (auto value = read_line(node, name, c.found)) member(t) = std::move(*value);
               });
  }

  template <class Member>
  setting_of<Target> expression(std::string key, Member member, std::string doc) const {
    return row(std::move(key), "text", "", std::move(doc),
               [member](Target& t, const yaml_node& node, const std::string& name, reading& c) {
                 if (auto value = read_line(node, name, c.found)) member(t) = {std::move(*value), node.where};
               });
  }

  template <class Member>
  setting_of<Target> path(std::string key, Member member, std::string doc) const {
    Target fresh;
    return row(std::move(key), "path", member(fresh).string(), std::move(doc),
               [member](Target& t, const yaml_node& node, const std::string& name, reading& c) {
                 if (auto value = read_line(node, name, c.found)) member(t) = std::move(*value);
               });
  }

  template <class Member>
  setting_of<Target> choice(std::string key, Member member, const std::vector<std::string>& valid,
                            std::string doc) const {
    Target fresh;
    std::string type;
    for (const auto& one : valid) type += (type.empty() ? "" : " | ") + one;
    auto made = row(std::move(key), type, member(fresh), std::move(doc),
                    [member, valid](Target& t, const yaml_node& node, const std::string& name, reading& c) {
                      if (auto value = read_choice(node, name, valid, c.found)) member(t) = std::move(*value);
                    });
    made.about.values = valid;
    return made;
  }

  template <class Member>
  setting_of<Target> flag(std::string key, Member member, std::string doc) const {
    Target fresh;
    return row(std::move(key), "boolean", member(fresh) ? "true" : "false", std::move(doc),
               [member](Target& t, const yaml_node& node, const std::string& name, reading& c) {
                 if (auto value = read_flag(node, name, c.found)) member(t) = *value;
               });
  }

  template <class Member>
  setting_of<Target> integer(std::string key, Member member, std::int64_t low, std::int64_t high,
                             std::string doc) const {
    Target fresh;
    auto made = row(std::move(key), "whole number", std::to_string(member(fresh)), std::move(doc),
                    [=](Target& t, const yaml_node& node, const std::string& name, reading& c) {
                      using number = std::remove_reference_t<decltype(member(t))>;
                      if (auto value = read_integer(node, name, low, high, c.found))
                        member(t) = static_cast<number>(*value);
                    });
    made.about.between = {static_cast<double>(low), static_cast<double>(high)};
    return made;
  }

  template <class Member>
  setting_of<Target> time(std::string key, Member member, duration low, duration high,
                          std::string doc) const {
    Target fresh;
    return row(std::move(key), "duration", format_duration(member(fresh)), std::move(doc),
               [=](Target& t, const yaml_node& node, const std::string& name, reading& c) {
                 if (auto value = read_duration(node, name, low, high, c.found)) member(t) = *value;
               });
  }

  template <class Member>
  setting_of<Target> size(std::string key, Member member, bytes low, bytes high, std::string doc) const {
    Target fresh;
    return row(std::move(key), "size", format_byte_size(member(fresh)), std::move(doc),
               [=](Target& t, const yaml_node& node, const std::string& name, reading& c) {
                 if (auto value = read_byte_size(node, name, low, high, c.found)) member(t) = *value;
               });
  }

  template <class Member>
  setting_of<Target> confidential(std::string key, Member member, std::string doc) const {
    return row(std::move(key), "secret", "", std::move(doc),
               [member](Target& t, const yaml_node& node, const std::string& name, reading& c) {
                 if (auto value = read_secret(node, name, c)) {
                   member(t) = std::move(*value);
                 } else {
                   member(t) = secret();
                 }
               });
  }
};

}  // namespace catwalk::config
