#include <algorithm>
#include <map>

#include "config/letter_case.hpp"
#include "config/load.hpp"
#include "config/mapping_reader.hpp"
#include "config/shop_source.hpp"
#include "config/site_source.hpp"
#include "config/source_values.hpp"
#include "config/stanza_hash.hpp"
#include "config/yaml_value.hpp"

namespace catwalk::config {
namespace {

class stanza_reader {
 public:
  explicit stanza_reader(problems& found) : found_(found) {}

  std::optional<site> read(const yaml_node& node) {
    site_.where = node.where;
    mapping_reader reader("", found_);
    basics(reader);
    additions(reader);
    if (!reader.read(node)) return std::nullopt;
    complete(node);
    site_.stanza_hash = stanza_hash(node);
    return std::move(site_);
  }

 private:
  mapping_reader::reader text(std::string& to) {
    return [this, &to](const yaml_node& node, const std::string& name) {
      if (auto value = read_line(node, name, found_)) to = std::move(*value);
    };
  }
  mapping_reader::reader milliseconds(std::optional<long>& to) {
    return [this, &to](const yaml_node& node, const std::string& name) {
      const auto value = read_duration(node, name, duration(0), std::chrono::hours(1), found_);
      if (value) to = static_cast<long>(value->count());
    };
  }
  mapping_reader::reader flag(bool& to) {
    return [this, &to](const yaml_node& node, const std::string& name) {
      if (auto value = read_flag(node, name, found_)) to = *value;
    };
  }

  void basics(mapping_reader& reader) {
    reader.on("name", text(site_.name))
        .on("brand", text(site_.brand))
        .on("merchant", text(site_.merchant))
        .on("source", text(site_.source))
        .on("country", text(site_.country))
        .on("debug", flag(site_.debug))
        .on("respect_robots",
            [this](const yaml_node& node, const std::string& name) {
              if (auto value = read_flag(node, name, found_)) site_.respect_robots = *value;
            })
        .on("api", [this](const yaml_node& node,
                          const std::string& name) { site_.api = read_api_source(node, name, found_); })
        .on("html",
            [this](const yaml_node& node, const std::string& name) {
              site_.html = read_html_source(node, name, false, found_);
            })
        .on("shopify",
            [this](const yaml_node& node, const std::string& name) {
              site_.shopify = read_shopify_source(node, name, found_);
            })
        .on("sitemap",
            [this](const yaml_node& node, const std::string& name) {
              site_.sitemap = read_sitemap_source(node, name, found_);
            })
        .on("feed", [this](const yaml_node& node, const std::string& name) {
          site_.feed = read_feed_source(node, name, found_);
        });
  }

  void additions(mapping_reader& reader) {
    reader
        .on("price_unit",
            [this](const yaml_node& node, const std::string& name) {
              const auto word = read_choice(node, name, {"guess", "minor", "major"}, found_);
              if (word) {
                site_.price = *word == "guess"   ? price_unit::guess
                              : *word == "minor" ? price_unit::minor
                                                 : price_unit::major;
              }
            })
        .on("image_url_contains",
            [this](const yaml_node& node, const std::string& name) {
              const auto parts = read_texts(node, name, found_);
              if (!parts) return;
              site_.image_url_contains_set = true;
              for (const auto& part : *parts) {
                if (!part.text.empty()) site_.image_url_contains.push_back(part.text);
              }
            })
        .on("category_names",
            [this](const yaml_node& node, const std::string& name) {
              for (auto& [number, category] : read_pairs(node, name, found_))
                site_.category_names[number] = category;
            })
        .on("currency",
            [this](const yaml_node& node, const std::string& name) {
              const auto code = read_line(node, name, found_);
              if (!code) return;
              site_.currency = *code;
              const bool good = code->size() == 3 && std::all_of(code->begin(), code->end(),
                                                                 [](char c) { return c >= 'A' && c <= 'Z'; });
              if (!good)
                refuse(found_, node.where, name + ": expected three letters as EUR, found '" + *code + "'");
            })
        .on("image_width",
            [this](const yaml_node& node, const std::string& name) {
              if (auto width = read_integer(node, name, 1, 10'000, found_))
                site_.image_width = static_cast<int>(*width);
            })
        .on("countries",
            [this](const yaml_node& node, const std::string& name) {
              const auto listed = read_texts(node, name, found_);
              if (!listed) return;
              for (const auto& one : *listed) site_.countries.push_back(one.text);
            })
        .on("second_hand", flag(site_.second_hand))
        .on("delay", milliseconds(site_.delay_ms))
        .on("image_delay", milliseconds(site_.image_delay_ms))
        .on("proxy", text(site_.proxy))
        .on("proxy_images", text(site_.proxy_images));
  }

  void complete(const yaml_node& node) {
    if (site_.name.empty()) site_.name = site_.brand;
    if (site_.name.empty()) {
      refuse(found_, node.where, "a site without a name", "add brand: or name:");
    } else if (lower_case(site_.name) == "all") {
      refuse(found_, node.where, "a site cannot be named 'all': --sites takes that for every site",
             "add name:");
    }
    if (site_.brand.empty()) site_.brand = site_.name;
    if (site_.merchant.empty()) site_.merchant = site_.brand;
    // Rows are identified by source and the shop's own id: the predecessor's value keeps them the same.
    if (site_.source.empty()) site_.source = "scraper";
    check_kinds(node);
  }

  /// One kind says what to read; `api` and `html` may stand together, as they did for the predecessor.
  void check_kinds(const yaml_node& node) {
    std::string given;
    int others = 0;
    for (const std::string kind : {"api", "html", "shopify", "sitemap", "feed"}) {
      if (!node.find(kind)) continue;
      others += kind == "api" || kind == "html" ? 0 : 1;
      given += (given.empty() ? "" : " and ") + kind;
    }
    if (given.empty()) {
      refuse(found_, node.where, "site '" + site_.name + "': nothing says what to read",
             "add one of api, html, shopify, sitemap and feed");
    } else if (others > 0 && given.find(' ') != std::string::npos) {
      refuse(found_, node.where, "site '" + site_.name + "': " + given + " at once",
             "make a site of each, with a name:");
    }
  }

  problems& found_;
  site site_;
};

}  // namespace

loaded_sites parse_sites(std::string_view text, const std::string& file_name) {
  yaml_document document = parse_yaml(text, file_name);
  loaded_sites result{{}, std::move(document.found)};
  const yaml_node& root = *document.root;
  if (root.type == yaml_node::kind::null) {
    if (!has_errors(result.found)) warn(result.found, {file_name, 0, 0}, "no sites");
    return result;
  }
  if (root.type != yaml_node::kind::sequence) {
    refuse(result.found, root.where, "expected a list of sites, " + description(root),
           "begin each site with a dash");
    return result;
  }
  std::map<std::string, place> names;
  for (const auto& item : root.items) {
    auto one = stanza_reader(result.found).read(*item);
    if (!one) continue;
    const auto [first, is_new] = names.emplace(lower_case(one->name), one->where);
    if (!one->name.empty() && !is_new) {
      refuse(result.found, one->where, "a second site named '" + one->name + "'",
             "the first is in line " + std::to_string(first->second.line) + "; give one of them a name:");
    }
    result.sites.push_back(std::move(*one));
  }
  return result;
}

}  // namespace catwalk::config
