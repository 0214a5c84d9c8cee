#include <algorithm>
#include <array>

#include "scrape/html_document.hpp"
#include "scrape/text.hpp"

namespace catwalk::scrape {
namespace {

bool is_one_of(std::string_view name, std::span<const std::string_view> list) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

/// Elements without an end tag (HTML standard, 13.1.2, and the obsolete ones of 13.3).
bool is_void(std::string_view name) {
  static constexpr std::array<std::string_view, 18> names{
      "area", "base",  "basefont", "bgsound", "br",   "col",   "embed",  "frame", "hr",
      "img",  "input", "keygen",   "link",    "meta", "param", "source", "track", "wbr"};
  return is_one_of(name, names);
}

/// Elements whose text is not escaped.
bool is_raw_text(std::string_view name) {
  static constexpr std::array<std::string_view, 7> names{"style",   "script",   "xmp",      "iframe",
                                                         "noembed", "noframes", "plaintext"};
  return is_one_of(name, names);
}

/// Elements whose content nobody reads.
bool is_unseen(const html_node& node) {
  static constexpr std::array<std::string_view, 4> names{"script", "style", "template", "noscript"};
  return node.is_element() && is_one_of(node.name(), names);
}

/// Elements that stand on lines of their own, and those that strike out: what is before them and what is in
/// them are two words.
bool breaks_words(const html_node& node) {
  static constexpr std::array<std::string_view, 34> names{
      "address", "article",  "aside",      "blockquote", "br",     "dd",   "details", "div", "dl",
      "dt",      "fieldset", "figcaption", "figure",     "footer", "form", "h1",      "h2",  "h3",
      "h4",      "h5",       "h6",         "header",     "hr",     "li",   "main",    "nav", "ol",
      "option",  "p",        "pre",        "section",    "table",  "tr",   "ul"};
  return node.is_element() && (is_one_of(node.name(), names) || node.name() == "td" || node.name() == "th" ||
                               node.name() == "s" || node.name() == "del" || node.name() == "ins");
}

void escape(std::string_view text, bool in_attribute, std::string& out) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<' && !in_attribute) {
      out += "&lt;";
    } else if (c == '>' && !in_attribute) {
      out += "&gt;";
    } else if (c == '"' && in_attribute) {
      out += "&quot;";
    } else if (c == '\xC2' && text.substr(i, 2) == "\u00a0") {
      out += "&nbsp;";
      ++i;
    } else {
      out += c;
    }
  }
}

void open_tag(const html_node& node, std::string& out) {
  out += '<';
  out += node.name();
  for (const html_attribute& one : node.attributes()) {
    out += ' ';
    if (!one.name_space.empty() && one.name != one.name_space) {
      out += one.name_space;
      out += ':';
    }
    out += one.name;
    out += "=\"";
    escape(one.value, true, out);
    out += '"';
  }
  out += '>';
}

void write_start(const html_node& node, std::string& out) {
  switch (node.kind()) {
    case html_node_kind::element:
      open_tag(node, out);
      break;
    case html_node_kind::text:
      if (const html_node parent = node.parent(); parent.is_element() && is_raw_text(parent.name())) {
        out += node.data();
      } else {
        escape(node.data(), false, out);
      }
      break;
    case html_node_kind::comment:
      out += "<!--";
      out += node.data();
      out += "-->";
      break;
    case html_node_kind::doctype:
      out += "<!DOCTYPE ";
      out += node.name();
      out += '>';
      break;
    case html_node_kind::document:
      break;
  }
}

bool has_end_tag(const html_node& node) {
  return node.is_element() && !(node.name_space() == html_namespace::html && is_void(node.name()));
}

/// Everything from `first` up to the node at `end` in the order of the document. End tags are written when
/// the nodes of their element are passed.
std::string write_range(const html_document& document, std::uint32_t first, std::uint32_t end) {
  std::string out;
  std::vector<html_node> open;
  const auto close_until = [&](std::uint32_t at) {
    while (!open.empty() && open.back().end_index() <= at) {
      out += "</";
      out += open.back().name();
      out += '>';
      open.pop_back();
    }
  };
  for (std::uint32_t at = first; at < end; ++at) {
    close_until(at);
    const html_node node = document.node(at);
    write_start(node, out);
    if (has_end_tag(node)) open.push_back(node);
  }
  close_until(end);
  return out;
}

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

/// Appends `text`, with one blank for a run of blanks (no-break spaces are such blanks too).
void append_words(std::string_view text, std::string& out, bool& gap) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool no_break = text.substr(i, 2) == "\u00a0";
    if (no_break || is_blank(text[i])) {
      gap = true;
      i += no_break ? 1 : 0;
      continue;
    }
    if (gap && !out.empty()) out += ' ';
    gap = false;
    out += text[i];
  }
}

}  // namespace

html_node_kind html_node::kind() const noexcept {
  return document_->nodes_[index_].kind;
}
html_namespace html_node::name_space() const noexcept {
  return document_->nodes_[index_].name_space;
}

std::string_view html_node::name() const noexcept {
  const auto& record = document_->nodes_[index_];
  const bool named = record.kind == html_node_kind::element || record.kind == html_node_kind::doctype;
  return named ? record.text : std::string_view();
}

std::string_view html_node::data() const noexcept {
  const auto& record = document_->nodes_[index_];
  const bool holds = record.kind == html_node_kind::text || record.kind == html_node_kind::comment;
  return holds ? record.text : std::string_view();
}

std::span<const html_attribute> html_node::attributes() const noexcept {
  const auto& record = document_->nodes_[index_];
  return std::span(document_->attributes_)
      .subspan(record.attributes_begin, record.attributes_end - record.attributes_begin);
}

std::optional<std::string_view> html_node::attribute(std::string_view name) const noexcept {
  for (const html_attribute& one : attributes()) {
    if (one.name == name) return one.value;
  }
  return std::nullopt;
}

html_node html_node::parent() const noexcept {
  if (index_ == 0) return {};
  return {document_, document_->nodes_[index_].parent};
}
html_node html_node::first_child() const noexcept {
  return document_->at(document_->nodes_[index_].first_child);
}
html_node html_node::last_child() const noexcept {
  return document_->at(document_->nodes_[index_].last_child);
}
html_node html_node::next_sibling() const noexcept {
  return document_->at(document_->nodes_[index_].next);
}
html_node html_node::previous_sibling() const noexcept {
  return document_->at(document_->nodes_[index_].previous);
}
std::uint32_t html_node::end_index() const noexcept {
  return document_->nodes_[index_].end;
}

std::string html_node::text() const {
  std::string out;
  for (std::uint32_t at = index_; at < end_index(); ++at) {
    const html_node node = document_->node(at);
    if (node.kind() == html_node_kind::text) out += node.data();
  }
  return out;
}

std::string html_node::visible_text() const {
  std::string out;
  bool gap = false;
  std::vector<std::uint32_t> ends;  // of the elements that break words and that are open
  for (std::uint32_t at = index_; at < end_index();) {
    const html_node node = document_->node(at);
    while (!ends.empty() && ends.back() <= at) {
      gap = true;
      ends.pop_back();
    }
    if (is_unseen(node) && at != index_) {
      at = node.end_index();
      continue;
    }
    if (breaks_words(node)) {
      gap = true;
      ends.push_back(node.end_index());
    }
    if (node.kind() == html_node_kind::text) append_words(node.data(), out, gap);
    ++at;
  }
  return out;
}

std::string html_node::outer_html() const {
  return write_range(*document_, index_, end_index());
}
std::string html_node::inner_html() const {
  return write_range(*document_, index_ + 1, end_index());
}

}  // namespace catwalk::scrape
