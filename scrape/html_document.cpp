#include "scrape/html_document.hpp"

#include <myhtml/myhtml.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstring>
#include <new>
#include <unordered_map>
#include <utility>

#include "scrape/text.hpp"

namespace catwalk::scrape {
namespace {

struct parser_deleter {
  void operator()(myhtml_t* parser) const { myhtml_destroy(parser); }
};
struct tree_deleter {
  void operator()(myhtml_tree_t* tree) const { myhtml_tree_destroy(tree); }
};
using parser_handle = std::unique_ptr<myhtml_t, parser_deleter>;
using tree_handle = std::unique_ptr<myhtml_tree_t, tree_deleter>;

/// What myhtml's callbacks watch. myhtml has no limits and no way to be stopped from outside (its parsing in
/// chunks, between which one could stop, crashes), so the watch jumps out of it: between `setjmp` and
/// `longjmp` lie C frames and functions without destructors, and the tree, whose memory is pooled, is
/// consistent between two tokens.
struct parse_watch {
  html_options options;
  std::size_t inserted = 0;  ///< nodes put into the tree, moved ones counted again
  const char* exceeded = nullptr;
  std::size_t limit = 0;
  std::jmp_buf stop;

  [[noreturn]] void exceed(const char* what, std::size_t bound) {
    exceeded = what;
    limit = bound;
    std::longjmp(stop, 1);
  }
};

void* before_token(myhtml_tree_t* tree, myhtml_token_node_t* token, void* context) {
  auto* watch = static_cast<parse_watch*>(context);
  if (tree->open_elements->length > watch->options.open_elements) {
    watch->exceed("open elements inside each other", watch->options.open_elements);
  }
  if (watch->inserted > watch->options.nodes) watch->exceed("elements and texts", watch->options.nodes);
  std::size_t attributes = 0;
  for (const myhtml_token_attr_t* one = token->attr_first; one; one = one->next) {
    if (++attributes > watch->options.attributes) {
      watch->exceed("attributes of one element", watch->options.attributes);
    }
  }
  return context;
}

void after_insert(myhtml_tree_t*, myhtml_tree_node_t*, void* context) {
  ++static_cast<parse_watch*>(context)->inserted;
}

/// Runs myhtml over the text; false where a limit was reached. Nothing in here has a destructor.
bool run_parser(myhtml_tree_t* tree, parse_watch* watch, std::string_view text, myhtml_tag_id_t context_tag,
                myhtml_namespace_t context_space, mystatus_t* status) {
  if (setjmp(watch->stop) != 0) return false;
  *status = context_tag == MyHTML_TAG__UNDEF ? myhtml_parse(tree, MyENCODING_UTF_8, text.data(), text.size())
                                             : myhtml_parse_fragment(tree, MyENCODING_UTF_8, text.data(),
                                                                     text.size(), context_tag, context_space);
  return true;
}

/// myhtml keeps every attribute of a tag before anybody is asked about it, so a tag of megabytes is looked at
/// beforehand. A picture within an attribute may be long; thousands of blanks and quotes are attributes.
bool has_monstrous_tag(std::string_view text) {
  constexpr std::size_t long_tag = 1'000'000;
  constexpr std::ptrdiff_t many_separators = 8192;
  if (text.size() < long_tag) return false;
  std::size_t close = 0;  // of the first ">" at or after `at`
  for (std::size_t at = text.find('<'); at != std::string_view::npos; at = text.find('<', at + 1)) {
    if (close <= at) close = std::min(text.find('>', at), text.size());
    if (close - at < long_tag) continue;
    const std::string_view tag = text.substr(at, close - at);
    const auto separators = std::count_if(tag.begin(), tag.end(), [](char c) {
      return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '"' || c == '\'' ||
             c == '/';
    });
    if (separators > many_separators) return true;
    at = close - 1;
  }
  return false;
}

error beyond(const std::string& on, const std::string& what, std::size_t limit) {
  return error{errc::too_large, "cannot read HTML", on,
               "it has more than " + std::to_string(limit) + ' ' + what, ""};
}

html_namespace space_of(const myhtml_tree_node_t& node) {
  switch (node.ns) {
    case MyHTML_NAMESPACE_SVG:
      return html_namespace::svg;
    case MyHTML_NAMESPACE_MATHML:
      return html_namespace::mathml;
    default:
      return html_namespace::html;
  }
}

myhtml_namespace_t space_of(html_namespace space) {
  switch (space) {
    case html_namespace::svg:
      return MyHTML_NAMESPACE_SVG;
    case html_namespace::mathml:
      return MyHTML_NAMESPACE_MATHML;
    case html_namespace::html:
      break;
  }
  return MyHTML_NAMESPACE_HTML;
}

std::string_view space_of(const myhtml_token_attr_t& attribute) {
  switch (attribute.ns) {
    case MyHTML_NAMESPACE_XLINK:
      return "xlink";
    case MyHTML_NAMESPACE_XML:
      return "xml";
    case MyHTML_NAMESPACE_XMLNS:
      return "xmlns";
    default:
      return {};
  }
}

}  // namespace

/// Copies myhtml's tree into a document of ours. Without recursion, since trees may be deep.
class html_tree_copier {
 public:
  /// `nodes`: about how many there are.
  html_tree_copier(html_document& to, myhtml_tree_t* from, std::size_t nodes) : to_(to), from_(from) {
    to_.nodes_.reserve(nodes + 1);
  }

  void copy(const myhtml_tree_node_t* root) {
    const auto& doctype = from_->doctype;
    to_.public_id_ = kept(doctype.attr_public);
    to_.system_id_ = kept(doctype.attr_system);
    to_.nodes_.emplace_back();
    std::uint32_t parent = 0;
    const myhtml_tree_node_t* at = root->child;
    while (at) {
      const std::uint32_t made = append(*at, parent);
      if (at->child) {
        parent = made;
        at = at->child;
        continue;
      }
      to_.nodes_[made].end = size();
      while (at != root && !at->next) {
        at = at->parent;
        to_.nodes_[parent].end = size();
        parent = to_.nodes_[parent].parent;
        if (at == root) break;
      }
      at = at == root ? nullptr : at->next;
    }
    to_.nodes_[0].end = size();
  }

 private:
  std::uint32_t size() const { return static_cast<std::uint32_t>(to_.nodes_.size()); }

  std::string_view kept(std::string_view text) {
    if (text.empty()) return {};
    auto* memory = static_cast<char*>(to_.memory_->allocate(text.size(), 1));
    std::memcpy(memory, text.data(), text.size());
    return {memory, text.size()};
  }
  std::string_view kept(const char* text) { return text ? kept(std::string_view(text)) : std::string_view(); }
  /// myhtml now and then cuts a character in two, so well-formed input does not mean well-formed output.
  std::string_view kept(const mycore_string_t& text) {
    if (!text.data) return {};
    const std::string_view whole(text.data, text.length);
    return is_valid_utf8(whole) ? kept(whole) : kept(std::string_view(valid_utf8(whole)));
  }

  /// myhtml knows SVG's names as SVG writes them, whatever the element's namespace is.
  std::string_view name_of(const myhtml_tree_node_t& node) {
    const std::size_t space = node.ns == MyHTML_NAMESPACE_SVG ? 1 : 0;
    auto& known =
        node.tag_id < MyHTML_TAG_LAST_ENTRY ? names_[space][node.tag_id] : others_[space][node.tag_id];
    if (known.data()) return known;
    std::size_t length = 0;
    const char* name = myhtml_tag_name_by_id(from_, node.tag_id, &length);
    const std::string_view text = name ? std::string_view(name, length) : std::string_view();
    const std::string whole = is_valid_utf8(text) ? std::string(text) : valid_utf8(text);
    known = node.ns == MyHTML_NAMESPACE_SVG ? kept(whole) : kept(std::string_view(lower_ascii(whole)));
    return known;
  }

  std::uint32_t append(const myhtml_tree_node_t& node, std::uint32_t parent) {
    const std::uint32_t index = size();
    html_document::record made;
    made.parent = parent;
    made.end = index + 1;
    made.attributes_begin = made.attributes_end = static_cast<std::uint32_t>(to_.attributes_.size());
    switch (node.tag_id) {
      case MyHTML_TAG__TEXT:
      case MyHTML_TAG__COMMENT:
        made.kind = node.tag_id == MyHTML_TAG__TEXT ? html_node_kind::text : html_node_kind::comment;
        if (node.token) made.text = kept(node.token->str);
        break;
      case MyHTML_TAG__DOCTYPE:
        made.kind = html_node_kind::doctype;
        made.text = kept(from_->doctype.attr_name);
        break;
      default:
        made.kind = html_node_kind::element;
        made.name_space = space_of(node);
        made.text = name_of(node);
        copy_attributes(node, made);
    }
    auto& above = to_.nodes_[parent];
    if (above.first_child == html_document::none) {
      above.first_child = index;
    } else {
      made.previous = above.last_child;
      to_.nodes_[above.last_child].next = index;
    }
    above.last_child = index;
    to_.nodes_.push_back(made);
    return index;
  }

  void copy_attributes(const myhtml_tree_node_t& node, html_document::record& made) {
    if (!node.token) return;
    for (const myhtml_token_attr_t* one = node.token->attr_first; one; one = one->next) {
      const std::string_view name =
          one->key.data ? std::string_view(one->key.data, one->key.length) : std::string_view();
      const std::string_view space = space_of(*one);
      // Of repeats the first counts.
      const bool repeated = std::any_of(
          to_.attributes_.begin() + made.attributes_begin, to_.attributes_.end(),
          [&](const html_attribute& known) { return known.name == name && known.name_space == space; });
      if (!repeated) to_.attributes_.push_back({kept(one->key), kept(one->value), space});
    }
    made.attributes_end = static_cast<std::uint32_t>(to_.attributes_.size());
  }

  html_document& to_;
  myhtml_tree_t* from_;
  // By tag: HTML's, and what a page makes up.
  std::array<std::array<std::string_view, MyHTML_TAG_LAST_ENTRY>, 2> names_{};
  std::array<std::unordered_map<myhtml_tag_id_t, std::string_view>, 2> others_;
};

namespace {

// Of the first block that a document's texts lie in; they take about as much as the page.
constexpr std::size_t least_memory = 4'096, most_memory = 1'000'000;

/// A tree of myhtml's, ready to parse into; the parser outlives it.
struct workshop {
  parser_handle parser;
  tree_handle tree;
};

workshop make_workshop() {
  workshop made;
  made.parser.reset(myhtml_create());
  if (!made.parser) throw std::bad_alloc();
  if (myhtml_init(made.parser.get(), MyHTML_OPTIONS_PARSE_MODE_SINGLE, 1, 0)) throw std::bad_alloc();
  made.tree.reset(myhtml_tree_create());
  if (!made.tree || myhtml_tree_init(made.tree.get(), made.parser.get())) throw std::bad_alloc();
  return made;
}

/// Parses into the workshop's tree; returns about how many nodes it has.
result<std::size_t> parse_into(workshop& shop, std::string_view text, myhtml_tag_id_t context,
                               html_namespace context_space, const std::string& on,
                               const html_options& options) {
  if (text.size() > options.bytes) return beyond(on, "bytes", options.bytes);
  if (has_monstrous_tag(text)) return beyond(on, "attributes of one element", options.attributes);
  parse_watch watch{options, 0, nullptr, 0, {}};
  myhtml_callback_before_token_done_set(shop.tree.get(), before_token, &watch);
  myhtml_callback_tree_node_insert_set(shop.tree.get(), after_insert, &watch);
  if (options.scripting) {
    shop.tree->flags = static_cast<myhtml_tree_flags>(shop.tree->flags | MyHTML_TREE_FLAGS_SCRIPT);
  }
  mystatus_t status = MyHTML_STATUS_OK;
  if (!run_parser(shop.tree.get(), &watch, text, context, space_of(context_space), &status)) {
    return beyond(on, watch.exceeded, watch.limit);
  }
  if (status != MyHTML_STATUS_OK) {
    return error{errc::malformed, "cannot read HTML", on,
                 "the parser gave up with status " + std::to_string(status), ""};
  }
  return watch.inserted;
}

}  // namespace

html_document::html_document(std::size_t bytes)
    : memory_(std::make_unique<std::pmr::monotonic_buffer_resource>(
          std::clamp(bytes, least_memory, most_memory))) {}
html_document::html_document(html_document&&) noexcept = default;
html_document& html_document::operator=(html_document&&) noexcept = default;
html_document::~html_document() = default;

result<html_document> html_document::parse(std::string_view text, const std::string& on,
                                           html_options options) {
  workshop shop = make_workshop();
  const auto nodes = parse_into(shop, text, MyHTML_TAG__UNDEF, html_namespace::html, on, options);
  if (!nodes) return nodes.error();
  html_document made(text.size());
  html_tree_copier(made, shop.tree.get(), *nodes).copy(shop.tree->document);
  return result<html_document>(boost::system::in_place_value, std::move(made));
}

result<html_document> html_document::parse_fragment(std::string_view text, std::string_view context,
                                                    html_namespace context_space, const std::string& on,
                                                    html_options options) {
  workshop shop = make_workshop();
  const auto tag = myhtml_tag_id_by_name(shop.tree.get(), context.data(), context.size());
  if (tag == MyHTML_TAG__UNDEF) {
    return error{errc::invalid_argument, "cannot read a piece of HTML", on,
                 "there is no element named \"" + std::string(context) + '"', ""};
  }
  const auto nodes = parse_into(shop, text, tag, context_space, on, options);
  if (!nodes) return nodes.error();
  html_document made(text.size());
  // myhtml puts the pieces under an element of its own.
  const myhtml_tree_node_t* root = shop.tree->document->child;
  html_tree_copier(made, shop.tree.get(), *nodes).copy(root ? root : shop.tree->document);
  return result<html_document>(boost::system::in_place_value, std::move(made));
}

html_node html_document::document_element() const noexcept {
  for (html_node child = root().first_child(); child; child = child.next_sibling()) {
    if (child.is_element()) return child;
  }
  return {};
}

}  // namespace catwalk::scrape
