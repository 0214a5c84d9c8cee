#include "scrape/feed_parser.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "scrape/feed_table.hpp"
#include "scrape/inflate_stream.hpp"
#include "scrape/text.hpp"
#include "scrape/xml_stream.hpp"

namespace catwalk::scrape {
namespace {

using nlohmann::json;

/// A description has 5,000 characters at most; nothing of an item is longer than this.
constexpr std::size_t longest_value = 200'000;
constexpr std::size_t most_values = 200;
constexpr std::size_t beginning_size = 200;
constexpr std::size_t longest_mark = 3;

bool is_root(std::string_view name) {
  return name == "rss" || name == "feed" || name == "rdf" || name == "channel";
}

}  // namespace

class feed_parser::impl final : public xml_handler {
 public:
  impl(std::string on, std::size_t max_bytes) : on_(std::move(on)), inflate_(on_, max_bytes) {}

  result<void> push(std::string_view piece) {
    std::string plain;
    if (auto unpacked = inflate_.push(piece, plain); unpacked.has_error()) return unpacked;
    if (beginning_.size() < beginning_size) beginning_.append(plain, 0, beginning_size);
    return read(plain, false);
  }

  result<void> finish() {
    if (auto whole = inflate_.finish(); whole.has_error()) return whole;
    if (auto rest = read({}, true); rest.has_error()) return rest;
    if (!xml_ && !table_) return not_a_feed("empty");
    if (xml_ && !is_root(root_))
      return not_a_feed(root_ == "html" ? "an HTML page" : "an XML document `" + root_ + "`");
    return {};
  }

  std::vector<json> take() { return table_ ? table_->take() : std::exchange(items_, {}); }

  void open(const std::string& name, const attributes& list) override {
    ++depth_;
    if (depth_ == 1) root_ = name;
    if (item_depth_ == 0 && depth_ > 1 && (name == "item" || name == "entry")) {
      item_depth_ = depth_;
      item_ = json::object();
      values_ = 0;
      return;
    }
    if (depth_ != item_depth_ + 1) {
      has_parts_ = true;
      return;
    }
    text_.clear();
    has_parts_ = false;
    // Atom's own link is an attribute.
    const auto href = std::find_if(list.begin(), list.end(), [](const auto& a) { return a.first == "href"; });
    const auto rel = std::find_if(list.begin(), list.end(), [](const auto& a) { return a.first == "rel"; });
    const bool page = rel == list.end() || rel->second == "alternate";
    if (name == "link" && href != list.end() && page) text_ = href->second;
  }

  void text(std::string_view piece) override {
    if (item_depth_ > 0 && depth_ == item_depth_ + 1 && text_.size() + piece.size() <= longest_value)
      text_.append(piece);
  }

  void close(const std::string& name) override {
    if (item_depth_ > 0 && depth_ == item_depth_ + 1) {
      const std::string_view value = trimmed(text_);
      if (!has_parts_ && !value.empty() && ++values_ <= most_values) add(name, std::string(value));
    } else if (depth_ == item_depth_) {
      if (!item_.empty()) items_.push_back(std::move(item_));
      item_depth_ = 0;
    }
    --depth_;
  }

 private:
  /// Of an element that repeats, as `additional_image_link` does, every text is kept.
  void add(const std::string& name, std::string value) {
    json& kept = item_[name];
    if (kept.is_null()) {
      kept = std::move(value);
    } else {
      if (!kept.is_array()) kept = json::array({std::move(kept)});
      kept.push_back(std::move(value));
    }
  }

  result<void> read(std::string_view plain, bool last) {
    if (xml_) {
      auto pushed = xml_->push(plain);
      if (pushed.has_value() && last) pushed = xml_->finish();
      if (pushed.has_error() && looks_like_html(beginning_)) return not_a_feed("an HTML page");
      return pushed;
    }
    if (table_) return table_->push(plain, last);
    head_.append(plain);
    if (head_.size() < longest_mark && !last) return {};
    std::string_view start = head_;
    for (const std::string_view mark : {"\xEF\xBB\xBF", "\xFF\xFE", "\xFE\xFF"}) {
      if (start.starts_with(mark)) start.remove_prefix(mark.size());
    }
    const std::size_t first = start.find_first_not_of(std::string_view(" \t\r\n\0", 5));
    if (first == std::string_view::npos) return {};
    if (start[first] == '<') {
      xml_.emplace(on_, *this);
    } else {
      table_.emplace(on_);
    }
    const std::string whole = std::exchange(head_, {});
    return read(whole, last);
  }

  error not_a_feed(std::string what) const {
    return {errc::malformed, "cannot read the feed", on_, "it is " + std::move(what), ""};
  }

  std::string on_;
  inflate_stream inflate_;
  std::string head_;       ///< until the format is known
  std::string beginning_;  ///< to tell what is no feed
  std::optional<xml_stream> xml_;
  std::optional<feed_table> table_;
  std::string root_;
  int depth_ = 0;
  int item_depth_ = 0;  ///< of the item being read; 0: none is
  bool has_parts_ = false;
  std::string text_;
  json item_;
  std::size_t values_ = 0;
  std::vector<json> items_;
};

feed_parser::feed_parser(std::string on, std::size_t max_bytes)
    : impl_(std::make_unique<impl>(std::move(on), max_bytes)) {}
feed_parser::~feed_parser() = default;
feed_parser::feed_parser(feed_parser&&) noexcept = default;
feed_parser& feed_parser::operator=(feed_parser&&) noexcept = default;

result<void> feed_parser::push(std::string_view piece) {
  return impl_->push(piece);
}
result<void> feed_parser::finish() {
  return impl_->finish();
}
std::vector<json> feed_parser::take() {
  return impl_->take();
}

}  // namespace catwalk::scrape
