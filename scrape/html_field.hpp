#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "config/site.hpp"
#include "core/error.hpp"
#include "scrape/html_document.hpp"
#include "scrape/selector.hpp"

namespace catwalk::scrape {

/// How one field is read from a product's element: a value of `product_selectors`, in one of its forms.
///
/// - `'text'`: the text itself
/// - `href`, `[href…]`: the element's own `href`, or Alpine's `:href`; without one that of the first link in
/// it,
///   or of the link around it
/// - `[data-x]`, `[data-x*='…']`: the element's own attribute, else that of the first element in it that
/// matches
/// - a sum of texts and attributes: `'https://…' + [data-x] + '.html'`
/// - a CSS selector: the text of the first match that has one, or the attribute that a suffix `@name` names
class html_field {
 public:
  /// `invalid_config` with the place of a selector that does not parse. `key` names it:
  /// "html.product_selectors".
  static result<html_field> compile(const std::string& field, const config::located_text& written,
                                    const std::string& key);

  const std::string& name() const noexcept { return name_; }
  bool is_literal() const noexcept { return std::holds_alternative<std::string>(form_); }
  /// What never matches, in words.
  std::vector<std::string> notes() const;

  /// The value in `container` (an element, or a page's root); null where there is none. Depends on the field:
  /// of `price` and `sale` the first number in the text, of `image` and `image_url` a list of addresses, of
  /// `size` and `color_names` a list of texts. `width` is the picture's that is wanted.
  nlohmann::json read(const html_node& container, int width) const;

  /// The ids that the container and what is in it have, where this field reads them from an attribute; empty
  /// for other forms.
  std::vector<std::string> identities(const html_node& container) const;
  /// Whether the container itself has one.
  bool has_own_identity(const html_node& container) const;

 private:
  struct own_link {};
  struct own_attribute {
    selector matching;
    std::string attribute;
  };
  struct term {
    std::string literal;
    std::optional<own_attribute> attribute;
  };
  using sum = std::vector<term>;

  static std::optional<own_attribute> as_own_attribute(const selector& compiled);
  static std::optional<sum> as_sum(std::string_view text);
  std::string attribute_value(const own_attribute& wanted, const html_node& container) const;
  std::string sum_value(const sum& terms, const html_node& container) const;
  nlohmann::json selected(const selector& wanted, const html_node& container, int width) const;

  std::string name_;
  std::variant<std::string, own_link, own_attribute, sum, selector> form_;
};

/// The address that a product's element links to, by the rules of `href`; empty where there is none.
std::string link_of(const html_node& container);

}  // namespace catwalk::scrape
