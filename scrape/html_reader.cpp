#include "scrape/html_reader.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "core/sha256.hpp"
#include "core/url.hpp"
#include "scrape/html_encoding.hpp"
#include "scrape/html_image.hpp"
#include "scrape/normaliser.hpp"
#include "scrape/structured_data.hpp"
#include "scrape/structured_product.hpp"
#include "scrape/text.hpp"

namespace catwalk::scrape {
namespace {

using nlohmann::json;

constexpr std::size_t most_products = 20'000;

result<selector> compile_selector(const config::located_text& written, const std::string& key) {
  selector_error detail;
  auto compiled = selector::compile(written.text, &detail);
  if (compiled.has_value()) return compiled;
  error failure = compiled.error();
  failure.code = errc::invalid_config;
  failure.what = "cannot read " + key;
  failure.on = config::to_string(written.where);
  failure.why =
      detail.message + ", at character " + std::to_string(detail.offset + 1) + " of `" + written.text + '`';
  return failure;
}

std::string text_in(const json& fields, const char* name) {
  const auto it = fields.find(name);
  if (it == fields.end()) return {};
  if (it->is_string()) return it->get<std::string>();
  return it->is_number_integer() ? it->dump() : std::string();
}

std::string id_in(const json& fields) {
  std::string id = text_in(fields, "external_id");
  return id.empty() ? text_in(fields, "product_id") : id;
}

std::string without_query(const std::string& address) {
  return address.substr(0, address.find_first_of("?#"));
}

/// The names that `normalise` knows: `image` is the predecessor's for `image_url`.
void settle_names(json& fields) {
  if (const auto image = fields.find("image"); image != fields.end()) {
    json value = std::move(*image);
    fields.erase(image);
    if (!value.is_null()) add_missing_fields(fields, {{"image_url", std::move(value)}});
  }
  for (auto it = fields.begin(); it != fields.end();) it = it->is_null() ? fields.erase(it) : std::next(it);
}

/// Of the page's items for machines the one with the same id or address.
const structured_item* same_item(const structured_page& structured, const json& fields) {
  const std::string id = id_in(fields);
  const std::string address = without_query(text_in(fields, "product_url"));
  for (const structured_item& one : structured.items) {
    if (!id.empty() && id_in(one.fields) == id) return &one;
    if (!address.empty() && without_query(text_in(one.fields, "product_url")) == address) return &one;
  }
  return nullptr;
}

std::optional<page_address> next_page(const html_document& page, const std::string& base,
                                      const std::string& here) {
  static const selector wanted = *selector::compile("link[rel~=next][href], a[rel~=next][href]");
  const auto link = wanted.first(page.root());
  if (!link || !*link) return std::nullopt;
  auto address = resolve_url(base, link->attribute("href").value_or(""));
  if (!address || *address == here || host_key(*address) != host_key(here)) return std::nullopt;
  return page_address{std::move(*address), ""};
}

}  // namespace

/// A page and what was found out about it.
struct html_reader::page {
  const html_document& document;
  const page_place& place;
  std::string base;
  structured_page structured;
};

result<html_reader> html_reader::compile(const config::site& site, const config::html_source& html,
                                         const std::string& key) {
  html_reader reader(site);
  if (html.product_selector) {
    auto compiled = compile_selector(*html.product_selector, key + ".product_selector");
    if (compiled.has_error()) return compiled.error();
    reader.product_selector_ = std::move(*compiled);
  }
  if (html.product_link_selector) {
    auto compiled = compile_selector(*html.product_link_selector, key + ".product_link_selector");
    if (compiled.has_error()) return compiled.error();
    reader.product_link_selector_ = std::move(*compiled);
  }
  const std::string section = key + ".product_selectors";
  for (const auto& [field, written] : html.product_selectors) {
    if (trimmed(written.text).empty()) continue;
    auto compiled = html_field::compile(field, written, section);
    if (compiled.has_error()) return compiled.error();
    reader.fields_.push_back(std::move(*compiled));
  }
  return result<html_reader>(boost::system::in_place_value, std::move(reader));
}

config::problems html_reader::check(const config::html_source& html, const std::string& key) {
  config::problems found;
  const std::string section = key + ".product_selectors";
  const auto warn_of = [&](const std::vector<std::string>& notes, const config::located_text& written,
                           const std::string& name) {
    for (const std::string& note : notes) {
      std::string what = name;
      what.append(": ").append(note);
      found.push_back({config::problem::level::warning, written.where, std::move(what), ""});
    }
  };
  const auto check_one = [&](const config::located_text& written, const std::string& name) {
    selector_error detail;
    const auto compiled = selector::compile(trimmed(written.text), &detail);
    if (compiled.has_value()) {
      warn_of(compiled->notes(), written, name);
      return;
    }
    config::problem refused;
    refused.where = written.where;
    // Quotes and escapes of the YAML text are not known here: the column is exact for a plain scalar.
    if (refused.where.column > 0) refused.where.column += static_cast<int>(detail.offset);
    refused.what = name + ": " + detail.message + "\n" + detail.caret(written.text);
    found.push_back(std::move(refused));
  };
  if (html.product_selector) check_one(*html.product_selector, key + ".product_selector");
  if (html.product_link_selector) check_one(*html.product_link_selector, key + ".product_link_selector");
  for (const auto& [field, written] : html.product_selectors) {
    if (trimmed(written.text).empty()) continue;
    std::string name = section;
    name.append(".").append(field);
    const auto compiled = html_field::compile(field, written, section);
    if (compiled.has_error()) {
      check_one(written, name);
      continue;
    }
    warn_of(compiled->notes(), written, name);
  }
  return found;
}

json html_reader::fields_in(const html_node& container, const page& at) const {
  json fields = json::object();
  for (const html_field& field : fields_) fields[field.name()] = field.read(container, site_->image_width);
  settle_names(fields);
  if (const std::string address = text_in(fields, "product_url"); !address.empty()) {
    if (auto absolute = resolve_url(at.base, address)) fields["product_url"] = std::move(*absolute);
  }
  return fields;
}

void html_reader::add_item(json fields, json raw, const page& at, page_answer& answer) const {
  if (id_in(fields).empty()) {
    const std::string handle = handle_in_address(text_in(fields, "product_url"));
    if (!handle.empty()) fields["external_id"] = handle;
  }
  ++answer.items;
  if (std::string id = id_in(fields); !id.empty()) answer.item_ids.push_back(std::move(id));
  // The normaliser takes a picture as a list of candidates.
  if (const auto image = fields.find("image_url"); image != fields.end() && image->is_string()) {
    *image = json::array({*image});
  }
  const item_origin origin{at.place.endpoint, at.place.endpoint_index, at.base,
                           at.place.items_before + answer.items};
  answer.add(normalise(fields, raw.is_null() ? fields : std::move(raw), *site_, rules_, origin));
}

/// Whether an element that `product_selector` finds holds several products: a whole grid, whose class name
/// has "product" in it as those of its products do.
bool html_reader::is_group_of_products(const html_node& container, const page& at) const {
  for (const html_field& field : fields_) {
    if (field.name() != "external_id" && field.name() != "product_id") continue;
    if (field.has_own_identity(container)) return false;
    if (field.identities(container).size() > 1) return true;
  }
  std::set<std::string> addresses;
  for (std::uint32_t i = container.index(); i < container.end_index(); ++i) {
    const html_node node = at.document.node(i);
    if (!node.is_element() || node.name() != "a") continue;
    const std::string_view address = node.attribute("href").value_or("");
    if (address.find("/product") == std::string_view::npos) continue;
    const auto absolute = resolve_url(at.base, address);
    addresses.insert(handle_in_address(absolute ? *absolute : std::string(address)));
    if (addresses.size() > 1) return true;
  }
  return false;
}

/// The elements that stand for one product each: neither groups of them nor parts of one.
std::vector<html_node> html_reader::products_on(const page& at) const {
  std::vector<html_node> products;
  const auto found = product_selector_->select(at.document.root(), most_products);
  if (!found) return products;
  std::uint32_t end_of_last = 0;
  for (const html_node& node : *found) {
    if (node.index() < end_of_last || is_group_of_products(node, at)) continue;
    products.push_back(node);
    end_of_last = node.end_index();
  }
  return products;
}

void html_reader::add_elements(const page& at, page_answer& answer) const {
  for (const html_node& container : products_on(at)) {
    json fields = fields_in(container, at);
    if (text_in(fields, "product_url").empty()) {
      const std::string address = link_of(container);
      const auto absolute = address.empty() ? result<std::string>(address) : resolve_url(at.base, address);
      if (absolute && !absolute->empty()) fields["product_url"] = *absolute;
    }
    const structured_item* described = same_item(at.structured, fields);
    if (described) {
      json more = described->fields;
      // A price goes with its own currency and sale.
      if (fields.contains("price")) {
        for (const char* name : {"price", "sale", "currency"}) more.erase(name);
      }
      add_missing_fields(fields, more);
    }
    add_item(std::move(fields), nullptr, at, answer);
  }
}

void html_reader::add_links(const page& at, page_answer& answer) const {
  std::set<std::string> seen;
  const auto add = [&](const std::string& address) {
    const auto absolute = resolve_url(at.base, address);
    if (!absolute || host_key(*absolute) != host_key(at.place.address.url)) return;
    std::string whole = absolute->substr(0, absolute->find('#'));
    if (whole == at.place.address.url) return;
    std::string canonical = canonical_url(whole);
    if (!seen.insert(canonical).second) return;
    ++answer.items;
    answer.item_ids.push_back(std::move(canonical));
    answer.details.push_back({std::move(whole), ""});
  };
  if (product_link_selector_) {
    const auto found = product_link_selector_->select(at.document.root(), most_products);
    if (found) {
      for (const html_node& node : *found) {
        if (product_link_selector_->has_suffix()) {
          add(product_link_selector_->value_of(node, at.document.root()).value_or(""));
        } else if (std::string address = link_of(node); !address.empty()) {
          add(address);
        }
      }
    }
  }
  for (const std::string& link : at.structured.links) add(link);
}

result<page_answer> html_reader::read(std::string_view body, const page_place& place) const {
  const std::string text = page_as_utf8(body, place.content_type);
  const auto document = html_document::parse(text, place.address.url);
  if (document.has_error()) return document.error();
  page at{*document, place, base_of(*document, place.address.url), {}};
  at.structured = read_structured_data(*document, place.address.url, at.base);
  page_answer answer;
  answer.body_hash = sha256_hex(body);
  answer.warnings = at.structured.warnings;
  const bool described =
      std::any_of(at.structured.items.begin(), at.structured.items.end(), [](const structured_item& one) {
        return one.fields.contains("price") && one.fields.contains("image_url");
      });
  if (product_selector_) {
    add_elements(at, answer);
  } else if (!product_link_selector_ && described) {
    for (structured_item& one : at.structured.items) {
      json fields = std::move(one.fields);
      for (const html_field& field : fields_) {
        if (field.is_literal()) add_missing_fields(fields, {{field.name(), field.read(document->root(), 0)}});
      }
      add_item(std::move(fields), std::move(one.raw), at, answer);
    }
  } else {
    add_links(at, answer);
  }
  answer.next = next_page(*document, at.base, place.address.url);
  return answer;
}

result<page_answer> html_reader::read_detail(std::string_view body, const page_place& place) const {
  const std::string text = page_as_utf8(body, place.content_type);
  const auto document = html_document::parse(text, place.address.url);
  if (document.has_error()) return document.error();
  page at{*document, place, base_of(*document, place.address.url), {}};
  at.structured = read_structured_data(*document, place.address.url, at.base);
  page_answer answer;
  answer.body_hash = sha256_hex(body);
  answer.warnings = at.structured.warnings;

  json selected = fields_in(document->root(), at);
  // The page's own links lead elsewhere: its address is the product's.
  json fields = {{"product_url", place.address.url}};
  for (const html_field& field : fields_) {
    const bool wins = field.is_literal() || field.name() == "external_id" || field.name() == "product_id";
    if (wins && selected.contains(field.name())) fields[field.name()] = selected[field.name()];
  }
  json raw;
  if (const structured_item* described = at.structured.main_item()) {
    raw = described->raw;
    if (described->fields.contains("price") && described->fields.contains("currency"))
      fields.erase("currency");
    json more = described->fields;
    if (!id_in(fields).empty()) more.erase("external_id");
    add_missing_fields(fields, more);
    if (fields.contains("price")) {
      for (const char* name : {"price", "sale"}) selected.erase(name);
    }
  }
  selected.erase("product_url");
  add_missing_fields(fields, selected);
  add_item(std::move(fields), std::move(raw), at, answer);
  return answer;
}

}  // namespace catwalk::scrape
