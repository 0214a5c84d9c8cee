// Input: a selector, for a page that has something of everything that selectors speak of.
#include <cstdlib>
#include <string_view>

#include "tests/fuzz/selector_check.hpp"

using namespace catwalk;

namespace {

constexpr std::string_view page = R"html(<!doctype html><html lang=en><head><title>Coats</title>
<link rel=canonical href=/coats></head><body class="list wide"><h1 id=top>Coats <small>12</small></h1>
<form><input type=checkbox checked disabled><input required name=q value="red coat"><select name=size>
<option selected>S<option>M</select><textarea></textarea></form>
<ul data-grid=2><li class="card new" data-id=1><a href="/p/1?c=red" title='A "red" coat'><img src=1.jpg data-src=2.jpg
alt></a><p class=price>20 <b>EUR</b></p><li class=card data-id=2><a href=/p/2>Blue</a><p></p><li class="card Sale">
<a><span>19</span> text</a></ul><div><div><div lang=cs-CZ><p>Kabát<br>zimní<p></div></div></div>
<svg viewBox="0 0 1 1"><path d=m0></svg><table><tr><td colspan=2>1<td>2</table></body></html>)html";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  static const auto document = scrape::html_document::parse(page, "fuzz");
  if (document.has_error()) std::abort();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto compiled = fuzz::compile_selector(text)) fuzz::check_selector(*compiled, *document);
  return 0;
}
