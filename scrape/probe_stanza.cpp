#include "scrape/probe_stanza.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <vector>

#include "core/url.hpp"
#include "scrape/text.hpp"

namespace catwalk::scrape {
namespace {

using nlohmann::json;

/// In double quotes, as JSON, which YAML reads too.
std::string quoted(const std::string& text) {
  return json(text).dump();
}

std::string head_text(const stanza_head& head) {
  std::string text = "- brand: " + quoted(head.name) + "\n  source: " + quoted(head.source) + '\n';
  if (!head.currency.empty()) text += "  currency: " + head.currency + '\n';
  return text;
}

bool is_plain_name(const std::string& key) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !key.empty() && letter(key[0]) &&
         std::all_of(key.begin(), key.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

/// `path.key`, the key quoted where JMESPath asks for it.
std::string joined(const std::string& path, const std::string& key) {
  return path + (path.empty() ? "" : ".") + (is_plain_name(key) ? key : quoted(key));
}

/// A value and the JMESPath that leads to it; lists on the way are flattened.
struct place {
  std::string path;
  const json* value;
  int depth;
};

/// Every value of a document, the shallow ones first; of a list its first objects alone. `limit` bounds work
/// on large answers.
template <class Visit>
void walk(const json& document, std::size_t limit, Visit visit) {
  constexpr int deepest = 12;
  constexpr std::size_t of_a_list = 3;
  std::deque<place> left{{"", &document, 0}};
  for (std::size_t seen = 0; !left.empty() && seen < limit; ++seen) {
    const place now = std::move(left.front());
    left.pop_front();
    visit(now);
    if (now.depth == deepest) continue;
    if (now.value->is_object()) {
      for (const auto& [key, member] : now.value->items())
        left.push_back({joined(now.path, key), &member, now.depth + 1});
    } else if (now.value->is_array()) {
      for (std::size_t i = 0; i < std::min(of_a_list, now.value->size()); ++i)
        left.push_back({now.path + "[]", &(*now.value)[i], now.depth + 1});
    }
  }
}

std::string last_name(const std::string& path) {
  std::string name = lower_ascii(path.substr(path.rfind('.') + 1));
  std::erase_if(name, [](char c) { return c == '_' || c == '[' || c == ']' || c == '"' || c == '-'; });
  return name;
}

bool is_picture(const json& value) {
  if (!value.is_string()) return false;
  const std::string text = lower_ascii(value.get_ref<const std::string&>());
  if (!text.starts_with("http") && !text.starts_with("//") && !text.starts_with('/')) return false;
  const std::string path = text.substr(0, text.find('?'));
  constexpr std::array<std::string_view, 5> endings{".jpg", ".jpeg", ".png", ".webp", ".avif"};
  return std::any_of(endings.begin(), endings.end(),
                     [&](std::string_view ending) { return path.ends_with(ending); });
}

bool is_text(const json& value) {
  return value.is_string() && !trimmed(value.get_ref<const std::string&>()).empty();
}
bool is_id(const json& value) {
  return is_text(value) || (value.is_number_integer() && value != 0);
}
bool is_price(const json& value) {
  if (value.is_number()) return value > 0;
  if (!value.is_string()) return false;
  const auto& text = value.get_ref<const std::string&>();
  return text.size() < 30 && text.find_first_of("0123456789") != std::string::npos;
}
bool is_address(const json& value) {
  if (!value.is_string() || is_picture(value)) return false;
  const auto& text = value.get_ref<const std::string&>();
  return text.starts_with("http") || (text.starts_with('/') && text.size() > 1);
}

/// A field, what its members are called, best first, and what they hold.
struct wanted_field {
  const char* field;
  std::vector<std::string_view> names;
  bool (*fits)(const json&);
};

const std::vector<wanted_field>& wanted_fields() {
  static const std::vector<wanted_field> fields{
      {"external_id", {"id", "productid", "sku", "code", "itemid", "uuid", "reference"}, is_id},
      {"title", {"title", "name", "productname", "displayname"}, is_text},
      {"description", {"description", "shortdescription", "longdescription"}, is_text},
      {"price", {"price", "regularprice", "currentprice", "finalprice", "amount", "value"}, is_price},
      {"sale", {"saleprice", "specialprice", "discountprice"}, is_price},
      {"currency", {"currency", "currencycode", "pricecurrency", "currencyiso"}, is_text},
      {"image_url", {}, is_picture},
      {"product_url", {"url", "producturl", "permalink", "link", "href"}, is_address},
      {"brand", {"brand", "brandname", "vendor", "manufacturer"}, is_text},
      {"category", {"category", "categoryname", "producttype", "type"}, is_text},
      {"gender", {"gender", "sectionname", "sex"}, is_text},
  };
  return fields;
}

const wanted_field& field_called(std::string_view name) {
  const auto& fields = wanted_fields();
  return *std::find_if(fields.begin(), fields.end(), [&](const auto& one) { return one.field == name; });
}

/// The best expression for a field in one item; empty: none.
std::string expression_for(const wanted_field& wanted, const json& item) {
  std::string best;
  std::size_t best_rank = wanted.names.empty() ? 1 : wanted.names.size();
  walk(item, 2000, [&](const place& at) {
    if (!wanted.fits(*at.value)) return;
    if (wanted.names.empty()) {
      if (best.empty()) best = at.path;
      return;
    }
    const auto name = std::find(wanted.names.begin(), wanted.names.end(), last_name(at.path));
    const auto rank = static_cast<std::size_t>(name - wanted.names.begin());
    // Shallow ones come first; of lists their first is meant.
    if (rank < best_rank) {
      best_rank = rank;
      best = at.path;
    }
  });
  // A list has one price or address too many.
  if (best.find("[]") != std::string::npos && !wanted.names.empty()) best += " | [0]";
  return best;
}

/// The same; what has an address of its own needs no other id.
std::string expression_or_address(const wanted_field& wanted, const json& item) {
  std::string found = expression_for(wanted, item);
  const bool is_id = std::string_view(wanted.field) == "external_id";
  return found.empty() && is_id ? expression_for(field_called("product_url"), item) : found;
}

/// The list whose objects look most like products.
struct list_found {
  std::string path, fields;  ///< `fields` empty: there is none
  std::size_t score = 0;
  bool has_currency = false;
};

list_found best_list(const json& document, bool price_of_its_own) {
  list_found best;
  walk(document, 20'000, [&](const place& at) {
    if (!at.value->is_array() || at.value->empty() || !at.value->front().is_object()) return;
    list_found now{at.path, "", std::min<std::size_t>(at.value->size(), 50), false};
    for (const wanted_field& wanted : wanted_fields()) {
      const std::string expression = expression_or_address(wanted, at.value->front());
      const std::string_view field = wanted.field;
      const bool nested = expression.find("[]") != std::string::npos;
      const bool needed = field == "external_id" || field == "price" || field == "image_url";
      const bool own = field == "external_id" || (field == "price" && price_of_its_own);
      if ((needed && expression.empty()) || (own && nested)) return;
      if (expression.empty()) continue;
      now.score += 100;
      now.has_currency = now.has_currency || field == "currency";
      now.fields += "      " + std::string(field) + ": " + quoted(expression) + '\n';
    }
    if (now.score > best.score) best = std::move(now);
  });
  return best;
}

/// What is paid with where the shop's address says the country.
std::string guessed_currency(const std::string& address) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 14> currencies{{{"cz", "CZK"},
                                                                                      {"pl", "PLN"},
                                                                                      {"hu", "HUF"},
                                                                                      {"se", "SEK"},
                                                                                      {"no", "NOK"},
                                                                                      {"dk", "DKK"},
                                                                                      {"ch", "CHF"},
                                                                                      {"uk", "GBP"},
                                                                                      {"gb", "GBP"},
                                                                                      {"jp", "JPY"},
                                                                                      {"us", "USD"},
                                                                                      {"ca", "CAD"},
                                                                                      {"au", "AUD"},
                                                                                      {"com", "USD"}}};
  const auto parsed = parse_url(address);
  const std::string host = host_of(address);
  const std::string domain = host.substr(host.rfind('.') + 1);
  const std::string path = parsed.has_value() ? lower_ascii(parsed->path) : std::string();
  for (const auto& [country, currency] : currencies) {
    if (path.starts_with('/' + std::string(country) + '/')) return std::string(currency);
  }
  for (const auto& [country, currency] : currencies) {
    if (domain == country) return std::string(currency);
  }
  return "EUR";
}

}  // namespace

stanza_head head_for(std::string_view address) {
  stanza_head head;
  head.source = host_of(address);
  if (head.source.starts_with("www.")) head.source.erase(0, 4);
  std::string label = head.source.substr(0, head.source.find('.'));
  const bool number = head.source.find_first_not_of("0123456789.:[]") == std::string::npos;
  if (number) label = head.source;
  bool start = true;
  for (char& c : label) {
    if (c == '-') c = ' ';
    if (start && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    start = c == ' ';
  }
  head.name = label;
  return head;
}

std::string shopify_stanza(const stanza_head& head, const std::string& shop, const std::string& collection) {
  if (collection.empty()) return head_text(head) + "  shopify: " + quoted(shop) + '\n';
  return head_text(head) + "  shopify:\n    url: " + quoted(shop) + "\n    collections: [" +
         quoted(collection) + "]\n";
}

std::string feed_stanza(const stanza_head& head, const std::string& address) {
  return head_text(head) + "  feed: " + quoted(address) + '\n';
}

std::string html_stanza(const stanza_head& head, const std::string& address, const html_choice& choice) {
  stanza_head first = head;
  if (choice.grid && first.currency.empty()) {
    const std::string& marked = choice.grid->currency;
    first.currency =
        marked.empty() ? guessed_currency(address) + "  # a guess: the prices name none" : marked;
  }
  std::string text = head_text(first) + "  html:\n    category_urls: [" + quoted(address) + "]\n";
  if (choice.use_browser) text += "    use_browser: true\n";
  if (!choice.product_link_selector.empty())
    text += "    product_link_selector: " + quoted(choice.product_link_selector) + '\n';
  if (!choice.grid) return text;
  text += "    product_selector: " + quoted(choice.grid->product_selector) + "\n    product_selectors:\n";
  for (const auto& [field, selector] : choice.grid->product_selectors)
    text += "      " + field + ": " + quoted(selector) + '\n';
  return text;
}

std::string sitemap_stanza(const stanza_head& head, const std::string& address) {
  return head_text(head) + "  sitemap: " + quoted(address) + '\n';
}

std::optional<std::string> api_stanza(const stanza_head& head, const std::string& address,
                                      const json& document) {
  // What is a list of products has an id and a price in each of them. Only where nothing has are prices
  // looked for in their variants.
  auto found = best_list(document, true);
  if (found.fields.empty()) found = best_list(document, false);
  if (found.fields.empty()) return std::nullopt;
  stanza_head first = head;
  if (!found.has_currency && first.currency.empty()) {
    first.currency = guessed_currency(address) + "  # a guess: the items name none";
  }
  return head_text(first) + "  api:\n    endpoint: " + quoted(address) +
         "\n    items_path: " + quoted(found.path + "[]") + "\n    field_map:\n" + found.fields;
}

}  // namespace catwalk::scrape
