// Input: a selector, a zero byte, a page.
#include <cstdlib>
#include <string_view>

#include "scrape/html_encoding.hpp"
#include "tests/fuzz/selector_check.hpp"

using namespace catwalk;
using scrape::html_node;

namespace {

/// Links, order and ends of the nodes fit each other.
void check_tree(const scrape::html_document& document) {
  for (std::uint32_t at = 0; at < document.size(); ++at) {
    const html_node node = document.node(at);
    if (node.end_index() <= at || node.end_index() > document.size()) std::abort();
    if (at > 0 && (node.parent().index() >= at || node.parent().end_index() < node.end_index())) std::abort();
    std::uint32_t expected = at + 1;
    html_node last;
    for (html_node child = node.first_child(); child; child = child.next_sibling()) {
      if (child.index() != expected || child.parent() != node || child.previous_sibling() != last)
        std::abort();
      expected = child.end_index();
      last = child;
    }
    if (expected != node.end_index() || node.last_child() != last) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto zero = std::min(input.find('\0'), input.size());
  const auto text = input.substr(0, zero);
  const std::string page = scrape::page_as_utf8(input.substr(std::min(zero + 1, input.size())), "");
  const auto document = scrape::html_document::parse(page, "fuzz");
  if (document) {
    check_tree(*document);
    (void)document->root().outer_html();
    (void)document->root().visible_text();
  }
  const auto compiled = fuzz::compile_selector(text);
  if (compiled && document) fuzz::check_selector(*compiled, *document);
  return 0;
}
