#include "scrape/feed_parser.hpp"

#include <algorithm>
#include <utility>

#include "scrape/feed_table.hpp"
#include "scrape/list_stream.hpp"
#include "scrape/text.hpp"

namespace catwalk::scrape {
namespace {

using nlohmann::json;

/// A description has 5,000 characters at most; nothing of an item is longer than this.
constexpr std::size_t longest_value = 200'000;
constexpr std::size_t most_values = 200;

bool is_root(std::string_view name) {
  return name == "rss" || name == "feed" || name == "rdf" || name == "channel";
}

}  // namespace

class feed_parser::impl final : public xml_handler {
 public:
  impl(const std::string& on, std::size_t max_bytes)
      : table_(on), stream_("feed", on, max_bytes, *this, [this](std::string_view piece, bool last) {
          return table_.push(piece, last);
        }) {}

  result<void> push(std::string_view piece) { return stream_.push(piece); }

  result<void> finish() {
    if (auto rest = stream_.finish(); rest.has_error()) return rest;
    if (stream_.form() == list_stream::format::unknown) return stream_.is_instead("empty");
    if (stream_.form() == list_stream::format::xml && !is_root(root_))
      return stream_.is_instead(root_ == "html" ? "an HTML page" : "an XML document `" + root_ + "`");
    return {};
  }

  std::vector<json> take() {
    return stream_.form() == list_stream::format::text ? table_.take() : std::exchange(items_, {});
  }

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

  feed_table table_;
  list_stream stream_;
  std::string root_;
  int depth_ = 0;
  int item_depth_ = 0;  ///< of the item being read; 0: none is
  bool has_parts_ = false;
  std::string text_;
  json item_;
  std::size_t values_ = 0;
  std::vector<json> items_;
};

feed_parser::feed_parser(const std::string& on, std::size_t max_bytes)
    : impl_(std::make_unique<impl>(on, max_bytes)) {}
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
