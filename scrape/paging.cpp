#include "scrape/paging.hpp"

#include <utility>

#include "core/url.hpp"

namespace catwalk::scrape {
namespace {

using nlohmann::json;

/// Zara's way of paging: `{"paginationInfo": {"page": 1, "isLastPage": false, "isDisabled": false}}`.
bool says_more_pages(const json& document) {
  if (!document.is_object()) return false;
  const auto info = document.find("paginationInfo");
  if (info == document.end() || !info->is_object()) return false;
  const auto flag = [&](const char* name) {
    const auto it = info->find(name);
    return it != info->end() && it->is_boolean() && it->get<bool>();
  };
  return info->contains("isLastPage") && !flag("isLastPage") && !flag("isDisabled");
}

bool is_true(const json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_string()) return !value.get_ref<const std::string&>().empty() && value != "false";
  return value.is_number() ? value != 0 : !value.is_null() && !value.empty();
}

/// A cursor or an address: a text that is not empty, or a number.
std::optional<std::string> text_of(const json& value) {
  if (value.is_string() && !value.get_ref<const std::string&>().empty()) return value.get<std::string>();
  if (value.is_number()) return value.dump();
  return std::nullopt;
}

void replace_all(std::string& text, std::string_view name, const std::string& value) {
  for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + value.size()))
    text.replace(at, name.size(), value);
}

}  // namespace

void paging::reach(json_reach& document) const {
  document.member("paginationInfo").take_whole();
  for (const auto* expression : {&cursor_, &next_, &more_}) {
    if (*expression) take_whole((*expression)->compiled.reach({&document}));
  }
}

result<paging> paging::compile(const config::api_source& api) {
  paging made;
  made.settings_ = api.pages;
  made.body_text_ = api.body;
  if (auto parsed = json::parse(api.body, nullptr, false); !parsed.is_discarded())
    made.body_ = std::move(parsed);
  const auto compile_one = [](const std::optional<config::located_text>& expression, const char* key,
                              std::optional<located_expression>& into) -> result<void> {
    if (!expression) return {};
    auto compiled = compile_expression(*expression, key);
    if (compiled.has_error()) return compiled.error();
    into = std::move(*compiled);
    return {};
  };
  if (auto read = compile_one(api.pages.cursor, "api.paging.cursor", made.cursor_); read.has_error())
    return read.error();
  if (auto read = compile_one(api.pages.next, "api.paging.next", made.next_); read.has_error())
    return read.error();
  if (auto read = compile_one(api.pages.more, "api.paging.more", made.more_); read.has_error())
    return read.error();
  return made;
}

std::string paging::body_at(const position& where) const {
  if (!body_) {
    std::string text = body_text_;
    replace_all(text, "{page}", std::to_string(where.page));
    replace_all(text, "{offset}", std::to_string(where.offset));
    replace_all(text, "{cursor}", percent_encode(where.cursor.value_or("")));
    return text;
  }
  json body = *body_;
  // Depth first, without recursion: a body is as deep as its author likes.
  std::vector<json*> left{&body};
  while (!left.empty()) {
    json& value = *left.back();
    left.pop_back();
    if (value.is_structured()) {
      for (json& member : value) left.push_back(&member);
    } else if (value == "{page}") {
      value = where.page;
    } else if (value == "{offset}") {
      value = where.offset;
    } else if (value == "{cursor}") {
      value = where.cursor ? json(*where.cursor) : json();
    }
  }
  return body.dump();
}

page_address paging::first(std::string url) const {
  if (!settings_.page.empty() && settings_.first != 1)
    url = with_query(url, settings_.page, std::to_string(settings_.first));
  return {std::move(url), body_text_.empty() ? std::string() : body_at({settings_.first, 0, std::nullopt})};
}

result<std::optional<page_address>> paging::next(const json& document, const page_place& place,
                                                 std::size_t items) const {
  const std::optional<page_address> none;
  const auto value_of = [&](const located_expression& expression) -> result<json> {
    auto found = expression.compiled.search(document);
    if (found.has_value()) return found;
    error failure = found.error();
    failure.on = config::to_string(expression.where) + ": " + failure.on;
    return failure;
  };
  if (items == 0) return none;
  if (more_) {
    const auto more = value_of(*more_);
    if (more.has_error()) return more.error();
    if (!is_true(*more)) return none;
  }
  page_address address = place.address;
  position where{settings_.first + place.number, place.items_before + items, std::nullopt};
  if (next_) {
    const auto found = value_of(*next_);
    if (found.has_error()) return found.error();
    const auto link = text_of(*found);
    if (!link) return none;
    auto absolute = resolve_url(place.address.url, *link);
    if (absolute.has_error()) return absolute.error();
    address.url = std::move(*absolute);
  }
  if (cursor_) {
    const auto found = value_of(*cursor_);
    if (found.has_error()) return found.error();
    where.cursor = text_of(*found);
    if (!where.cursor) return none;
    if (!settings_.cursor_parameter.empty())
      address.url = with_query(address.url, settings_.cursor_parameter, *where.cursor);
  }
  if (!settings_.page.empty())
    address.url = with_query(address.url, settings_.page, std::to_string(where.page));
  if (!settings_.offset.empty())
    address.url = with_query(address.url, settings_.offset, std::to_string(where.offset));
  if (!body_text_.empty()) address.body = body_at(where);
  const bool asks_anew = address.url != place.address.url || address.body != place.address.body;
  if (asks_anew) return std::optional(std::move(address));
  // Nothing is configured that would make the next page another one.
  if (!says_more_pages(document)) return none;
  address.url = with_query(place.address.url, "page", std::to_string(place.number + 1));
  return std::optional(std::move(address));
}

}  // namespace catwalk::scrape
