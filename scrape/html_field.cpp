#include "scrape/html_field.hpp"

#include <algorithm>
#include <utility>

#include "scrape/decimal.hpp"
#include "scrape/html_image.hpp"
#include "scrape/text.hpp"

namespace catwalk::scrape {
namespace {

using nlohmann::json;

constexpr std::size_t most_matches = 200;

/// `'text'` or `"text"` as a whole; nullopt otherwise.
std::optional<std::string> quoted(std::string_view text) {
  text = trimmed(text);
  if (text.size() < 2 || (text.front() != '\'' && text.front() != '"') || text.back() != text.front()) {
    return std::nullopt;
  }
  const std::string_view inner = text.substr(1, text.size() - 2);
  if (inner.find(text.front()) != std::string_view::npos) return std::nullopt;
  return std::string(inner);
}

/// Cuts at the `+` that stand outside of quotes and brackets.
std::vector<std::string_view> terms_of(std::string_view text) {
  std::vector<std::string_view> terms;
  std::size_t start = 0;
  char quote = '\0';
  bool bracket = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote) {
      if (c == quote) quote = '\0';
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (c == '[' || c == ']') {
      bracket = c == '[';
    } else if (c == '+' && !bracket) {
      terms.push_back(trimmed(text.substr(start, i - start)));
      start = i + 1;
    }
  }
  terms.push_back(trimmed(text.substr(start)));
  return terms;
}

/// Alpine's `:href` holds an expression; a mere text in quotes is an address.
std::optional<std::string> alpine_address(const html_node& element) {
  for (const char* name : {":href", "x-bind:href"}) {
    const auto value = element.attribute(name);
    if (!value) continue;
    if (auto text = quoted(*value)) return text;
    const bool plain = value->find_first_of("'\"`{}()+ ") == std::string_view::npos;
    if (plain && value->find('/') != std::string_view::npos) return std::string(*value);
    if (value->size() > 2 && value->front() == '`' && value->back() == '`' &&
        value->find("${") == std::string_view::npos) {
      return std::string(value->substr(1, value->size() - 2));
    }
  }
  return std::nullopt;
}

std::optional<std::string> own_address(const html_node& element) {
  if (!element.is_element()) return std::nullopt;
  for (const char* name : {"href", "data-href", "data-url"}) {
    const auto value = element.attribute(name);
    if (value && !trimmed(*value).empty() && !value->starts_with('#') && !value->starts_with("javascript:")) {
      return std::string(trimmed(*value));
    }
  }
  return alpine_address(element);
}

/// `productCard-123` in a `data-testid` gives `123`; such names without a number are no ids.
std::string id_in(const std::string& attribute, std::string_view value) {
  value = trimmed(value);
  if (attribute != "data-testid") return std::string(value);
  std::size_t at = value.size();
  while (at > 0 && value[at - 1] >= '0' && value[at - 1] <= '9') --at;
  const bool numbered = at < value.size() && at > 0 && (value[at - 1] == '-' || value[at - 1] == '_');
  return numbered ? std::string(value.substr(at)) : std::string();
}

/// What an element says where it is no picture: its text, else the attributes that stand for one.
std::string words_of(const html_node& element) {
  std::string text = element.visible_text();
  if (!text.empty()) return text;
  for (const char* name : {"content", "title", "aria-label", "alt", "value"}) {
    if (const auto value = element.attribute(name)) {
      if (!trimmed(*value).empty()) return std::string(trimmed(*value));
    }
  }
  return {};
}

bool has_itself(const selector& wanted, const html_node& container) {
  const auto fits = wanted.matches(container, container);
  return fits && *fits;
}

json first_number(const std::string& text) {
  const auto number = amount_in(text, 2);
  return number && !number->is_zero() ? json(number->as_written()) : json();
}

}  // namespace

std::string link_of(const html_node& container) {
  if (auto own = own_address(container)) return *own;
  std::string first;
  const html_document& page = container.document();
  for (std::uint32_t at = container.index() + 1; at < container.end_index(); ++at) {
    const html_node node = page.node(at);
    if (!node.is_element() || node.name() != "a") continue;
    const auto address = own_address(node);
    if (!address) continue;
    if (address->find("/product") != std::string::npos) return *address;
    if (first.empty()) first = *address;
  }
  if (!first.empty()) return first;
  for (html_node above = container.parent(); above.is_element(); above = above.parent()) {
    if (above.name() != "a") continue;
    if (auto address = own_address(above)) return *address;
  }
  return {};
}

std::optional<html_field::own_attribute> html_field::as_own_attribute(const selector& compiled) {
  const auto& list = compiled.alternatives();
  if (list.size() != 1 || !list[0].attribute.empty() || list[0].compounds.size() != 1) return std::nullopt;
  const auto& compound = list[0].compounds[0];
  if (compound.to_previous != css::combinator::none || compound.parts.size() != 1) return std::nullopt;
  const auto& part = compound.parts[0];
  if (part.kind != css::simple_kind::attribute || !part.lower_name.starts_with("data-")) return std::nullopt;
  return own_attribute{compiled, part.lower_name};
}

std::optional<html_field::sum> html_field::as_sum(std::string_view text) {
  sum terms;
  bool any_literal = false;
  for (const std::string_view one : terms_of(text)) {
    if (auto literal = quoted(one)) {
      terms.push_back({std::move(*literal), std::nullopt});
      any_literal = true;
      continue;
    }
    const auto compiled = selector::compile(one);
    auto attribute = compiled ? as_own_attribute(*compiled) : std::nullopt;
    if (!attribute) return std::nullopt;
    terms.push_back({"", std::move(attribute)});
  }
  // Without a text between them brackets and pluses are a selector.
  return any_literal && terms.size() > 1 ? std::optional(std::move(terms)) : std::nullopt;
}

result<html_field> html_field::compile(const std::string& field, const config::located_text& written,
                                       const std::string& key) {
  html_field made;
  made.name_ = field;
  const std::string_view text = trimmed(written.text);
  if (auto literal = quoted(text)) {
    made.form_ = std::move(*literal);
  } else if (text == "href" || text == ":href" || text.starts_with("[href") || text.starts_with("[:href")) {
    made.form_ = own_link{};
  } else if (auto terms = as_sum(text)) {
    made.form_ = std::move(*terms);
  } else {
    selector_error detail;
    auto compiled = selector::compile(text, &detail);
    if (compiled.has_error()) {
      error failure = compiled.error();
      failure.code = errc::invalid_config;
      failure.what = "cannot read " + key + "." + field;
      failure.on = config::to_string(written.where);
      failure.why = detail.message + ", at character " + std::to_string(detail.offset + 1) + " of `" +
                    std::string(text) + '`';
      return failure;
    }
    if (auto attribute = as_own_attribute(*compiled)) {
      made.form_ = std::move(*attribute);
    } else {
      made.form_ = std::move(*compiled);
    }
  }
  return made;
}

std::vector<std::string> html_field::notes() const {
  const auto* wanted = std::get_if<selector>(&form_);
  return wanted ? wanted->notes() : std::vector<std::string>();
}

std::vector<std::string> html_field::identities(const html_node& container) const {
  const auto* wanted = std::get_if<own_attribute>(&form_);
  if (!wanted) return {};
  std::vector<std::string> ids;
  const auto take = [&](const html_node& node) {
    std::string id = id_in(wanted->attribute, node.attribute(wanted->attribute).value_or(""));
    if (!id.empty() && std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(std::move(id));
  };
  if (has_itself(wanted->matching, container)) take(container);
  if (const auto inside = wanted->matching.select(container)) {
    for (const html_node& node : *inside) take(node);
  }
  return ids;
}

bool html_field::has_own_identity(const html_node& container) const {
  const auto* wanted = std::get_if<own_attribute>(&form_);
  return wanted && has_itself(wanted->matching, container) &&
         !id_in(wanted->attribute, container.attribute(wanted->attribute).value_or("")).empty();
}

std::string html_field::attribute_value(const own_attribute& wanted, const html_node& container) const {
  const auto value = [&](const html_node& node) {
    return id_in(wanted.attribute, node.attribute(wanted.attribute).value_or(""));
  };
  if (has_itself(wanted.matching, container)) {
    if (std::string own = value(container); !own.empty()) return own;
  }
  if (const auto inside = wanted.matching.select(container, most_matches)) {
    for (const html_node& node : *inside) {
      if (std::string found = value(node); !found.empty()) return found;
    }
  }
  return {};
}

std::string html_field::sum_value(const sum& terms, const html_node& container) const {
  std::string text;
  for (const term& one : terms) {
    const std::string part = one.attribute ? attribute_value(*one.attribute, container) : one.literal;
    if (one.attribute && part.empty()) return {};
    text += part;
  }
  return text;
}

json html_field::selected(const selector& wanted, const html_node& container, int width) const {
  const bool picture = name_ == "image" || name_ == "image_url" || name_ == "additional_images";
  const bool list = picture || name_ == "size" || name_ == "color_names";
  const bool money = name_ == "price" || name_ == "sale";
  json values = json::array(), single;
  const auto add = [&](std::string text) {
    if (!text.empty() && std::find(values.begin(), values.end(), text) == values.end()) {
      values.push_back(std::move(text));
    }
  };
  const auto read_match = [&](const html_node& node) {
    if (picture && !wanted.has_suffix()) {
      for (std::string& address : image_candidates(node, width)) add(std::move(address));
      return;
    }
    std::string text = wanted.has_suffix() ? wanted.value_of(node, container).value_or("") : words_of(node);
    text = std::string(trimmed(text));
    if (picture && text.find(' ') != std::string::npos) text = choose_from_srcset(text, width);
    if (list) {
      add(std::move(text));
    } else if (money) {
      single = first_number(text);
    } else if (!text.empty()) {
      single = std::move(text);
    }
  };
  std::size_t matches = 0;
  const auto searched = wanted.visit(container, [&](const html_node& node) {
    read_match(node);
    return single.is_null() && ++matches < most_matches;
  });
  if (!searched) return nullptr;
  if (!single.is_null()) return single;
  return values.empty() ? json() : values;
}

json html_field::read(const html_node& container, int width) const {
  if (const auto* literal = std::get_if<std::string>(&form_)) return *literal;
  std::string text;
  if (std::holds_alternative<own_link>(form_)) {
    text = link_of(container);
  } else if (const auto* attribute = std::get_if<own_attribute>(&form_)) {
    text = attribute_value(*attribute, container);
  } else if (const auto* terms = std::get_if<sum>(&form_)) {
    text = sum_value(*terms, container);
  } else {
    return selected(std::get<selector>(form_), container, width);
  }
  if (text.empty()) return nullptr;
  if (name_ == "price" || name_ == "sale") return first_number(text);
  if (name_ == "image" || name_ == "image_url") return json::array({text});
  return text;
}

}  // namespace catwalk::scrape
