#include "scrape/list_stream.hpp"

#include <utility>

#include "scrape/text.hpp"

namespace catwalk::scrape {
namespace {
constexpr std::size_t beginning_size = 200;
constexpr std::size_t longest_mark = 3;
}  // namespace

list_stream::list_stream(std::string kind, std::string on, std::size_t max_bytes, xml_handler& xml,
                         text_reader text)
    : kind_(std::move(kind)),
      on_(std::move(on)),
      inflate_(on_, max_bytes),
      handler_(xml),
      text_(std::move(text)) {}

result<void> list_stream::push(std::string_view piece) {
  std::string plain;
  if (auto unpacked = inflate_.push(piece, plain); unpacked.has_error()) return unpacked;
  if (beginning_.size() < beginning_size) beginning_.append(plain, 0, beginning_size);
  return read(plain, false);
}

result<void> list_stream::finish() {
  if (auto whole = inflate_.finish(); whole.has_error()) return whole;
  return read({}, true);
}

result<void> list_stream::read(std::string_view plain, bool last) {
  if (format_ == format::text) return text_(plain, last);
  if (format_ == format::xml) {
    auto pushed = xml_->push(plain);
    if (pushed.has_value() && last) pushed = xml_->finish();
    // An HTML page parses as XML up to a point; what it is says more than where it broke.
    if (pushed.has_error() && looks_like_html(beginning_)) return is_instead("an HTML page");
    return pushed;
  }
  head_.append(plain);
  if (head_.size() < longest_mark && !last) return {};
  std::string_view start = head_;
  for (const std::string_view mark : {"\xEF\xBB\xBF", "\xFF\xFE", "\xFE\xFF"}) {
    if (start.starts_with(mark)) start.remove_prefix(mark.size());
  }
  const std::size_t first = start.find_first_not_of(std::string_view(" \t\r\n\0", 5));
  if (first == std::string_view::npos) return {};
  const bool xml = start[first] == '<';
  format_ = xml ? format::xml : format::text;
  if (xml) xml_.emplace(on_, handler_);
  const std::string whole(xml ? std::string_view(head_) : start);
  head_.clear();
  return read(whole, last);
}

error list_stream::is_instead(const std::string& what) const {
  return {errc::malformed, "cannot read the " + kind_, on_, "it is " + what, ""};
}

}  // namespace catwalk::scrape
