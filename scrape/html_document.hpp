#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace catwalk::scrape {

class html_document;

enum class html_node_kind : std::uint8_t { document, doctype, element, text, comment };
enum class html_namespace : std::uint8_t { html, svg, mathml };

struct html_attribute {
  std::string_view name;  ///< in lower case in HTML elements; without its prefix where it has a namespace
  std::string_view value;
  std::string_view name_space;  ///< "xlink", "xml" or "xmlns" in SVG and MathML; mostly empty
};

/// A place in a document; valid as long as the document. A default one is no place at all, and is what asking
/// for a parent, child or sibling that does not exist gives.
class html_node {
 public:
  html_node() = default;
  explicit operator bool() const noexcept { return document_ != nullptr; }
  bool operator==(const html_node&) const = default;

  html_node_kind kind() const noexcept;
  bool is_element() const noexcept { return document_ && kind() == html_node_kind::element; }
  html_namespace name_space() const noexcept;
  /// Of an element, in lower case but for SVG's ("linearGradient"); of a doctype. Empty for other nodes.
  std::string_view name() const noexcept;
  /// Of a text or comment.
  std::string_view data() const noexcept;
  std::span<const html_attribute> attributes() const noexcept;
  /// The value of the attribute with that name (in lower case for HTML elements).
  std::optional<std::string_view> attribute(std::string_view name) const noexcept;

  html_node parent() const noexcept;
  html_node first_child() const noexcept;
  html_node last_child() const noexcept;
  html_node next_sibling() const noexcept;
  html_node previous_sibling() const noexcept;

  /// Its place in the order of the document; those of its descendants follow it and end before `end_index()`.
  std::uint32_t index() const noexcept { return index_; }
  std::uint32_t end_index() const noexcept;
  const html_document& document() const noexcept { return *document_; }

  /// Every text under it (its own, where it is one), as it stands.
  std::string text() const;
  /// What a reader sees of it: text without scripts, styles and templates, runs of blanks as one blank,
  /// trimmed.
  std::string visible_text() const;
  /// As HTML (the fragment serialisation of the HTML standard, section 13.3), itself included.
  std::string outer_html() const;
  /// As outer_html(), of its children alone.
  std::string inner_html() const;

 private:
  friend class html_document;
  html_node(const html_document* document, std::uint32_t index) : document_(document), index_(index) {}

  const html_document* document_ = nullptr;
  std::uint32_t index_ = 0;
};

/// How a document is read, and what it may grow to: beyond that parsing stops with `too_large`, which names
/// the limit.
struct html_options {
  std::size_t bytes = 64'000'000;
  std::size_t open_elements = 512;  ///< inside each other
  std::size_t nodes = 1'000'000;
  std::size_t attributes = 512;  ///< of one element
  bool scripting = false;  ///< true: what is in `noscript` is one text, as for a browser that runs scripts
};

/// The tree that HTML5 makes of a page whatever the page is: every text is a document.
/// Modest's parser (myhtml) is known in html_document.cpp alone. Nodes lie in the order of the document, the
/// whole tree in a few blocks of memory. Movable, immutable, so that any thread may read it.
class html_document {
 public:
  /// `text` is UTF-8 (html_encoding.hpp makes it so); `on` names the page in errors.
  static result<html_document> parse(std::string_view text, const std::string& on, html_options options = {});
  /// A piece of HTML as it would be read inside an element of that name. The pieces are the children of the
  /// root.
  static result<html_document> parse_fragment(std::string_view text, std::string_view context,
                                              html_namespace context_space, const std::string& on,
                                              html_options options = {});

  html_document(html_document&&) noexcept;
  html_document& operator=(html_document&&) noexcept;
  ~html_document();

  html_node root() const noexcept { return html_node(this, 0); }
  /// Nodes in all; `node(0)` is the root.
  std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(nodes_.size()); }
  html_node node(std::uint32_t index) const noexcept { return html_node(this, index); }
  /// The element `html`; none in a fragment.
  html_node document_element() const noexcept;
  /// Of the doctype; empty where there is none.
  std::string_view public_id() const noexcept { return public_id_; }
  std::string_view system_id() const noexcept { return system_id_; }

 private:
  friend class html_node;
  friend class html_tree_copier;
  /// `bytes`: of the page's text.
  explicit html_document(std::size_t bytes);

  static constexpr std::uint32_t none = 0;  // the root is nobody's child or sibling

  struct record {
    html_node_kind kind = html_node_kind::document;
    html_namespace name_space = html_namespace::html;
    std::uint32_t parent = none, first_child = none, last_child = none;
    std::uint32_t next = none, previous = none;
    std::uint32_t end = 0;
    std::uint32_t attributes_begin = 0, attributes_end = 0;
    std::string_view text;  ///< an element's name, or data
  };

  html_node at(std::uint32_t index) const noexcept {
    return index == none ? html_node() : html_node(this, index);
  }

  std::unique_ptr<std::pmr::monotonic_buffer_resource> memory_;
  std::vector<record> nodes_;
  std::vector<html_attribute> attributes_;
  std::string_view public_id_, system_id_;
};

}  // namespace catwalk::scrape
