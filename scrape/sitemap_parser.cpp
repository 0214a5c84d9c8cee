#include "scrape/sitemap_parser.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/url.hpp"
#include "scrape/list_stream.hpp"
#include "scrape/text.hpp"

namespace catwalk::scrape {
namespace {

/// The protocol's limit, far above any address that works.
constexpr std::size_t longest_url = 8192;
constexpr std::size_t most_images = 1000;

bool is_address(std::string_view text) {
  const std::string start = lower_ascii(text.substr(0, 8));
  return start.starts_with("http://") || start.starts_with("https://");
}

}  // namespace

class sitemap_parser::impl final : public xml_handler {
 public:
  impl(const std::string& url, std::size_t max_bytes)
      : url_(url), stream_("sitemap", url, max_bytes, *this, [this](std::string_view piece, bool last) {
          return read_lines(piece, last);
        }) {}

  result<void> push(std::string_view piece) { return stream_.push(piece); }

  result<void> finish() {
    if (auto rest = stream_.finish(); rest.has_error()) return rest;
    if (stream_.form() == list_stream::format::unknown) return stream_.is_instead("empty");
    if (stream_.form() == list_stream::format::xml && !known_root_)
      return stream_.is_instead(root_ == "html" ? "an HTML page" : "an XML document `" + root_ + "`");
    if (stream_.form() == list_stream::format::text && !any_line_)
      return stream_.is_instead("text without an address on a line of its own");
    return {};
  }

  std::vector<sitemap_entry> take() { return std::exchange(entries_, {}); }
  bool is_index() const noexcept { return index_; }

  void open(const std::string& name, const attributes& list) override {
    path_.push_back(name);
    text_.clear();
    if (path_.size() == 1) {
      root_ = name;
      index_ = name == "sitemapindex";
      known_root_ = index_ || name == "urlset" || name == "rss" || name == "feed" || name == "rdf";
    }
    if (is_entry(name)) entry_ = {};
    // Atom's link is an attribute; `rel` absent means alternate, the page itself.
    if (name == "link" && parent_is("entry")) {
      std::string address, relation;
      for (const auto& [key, value] : list) {
        if (key == "href") address = value;
        if (key == "rel") relation = value;
      }
      if (relation.empty() || relation == "alternate") set_address(address);
    }
  }

  void text(std::string_view piece) override {
    if (text_.size() + piece.size() <= longest_url) text_.append(piece);
  }

  void close(const std::string& name) override {
    const std::string_view value = trimmed(text_);
    if ((name == "loc" && (parent_is("url") || parent_is("sitemap"))) ||
        (name == "link" && parent_is("item"))) {
      set_address(value);
    } else if (name == "loc" && parent_is("image")) {
      if (auto address = absolute(value); address && entry_.images.size() < most_images)
        entry_.images.push_back(std::move(*address));
    } else if ((name == "lastmod" && (parent_is("url") || parent_is("sitemap"))) ||
               ((name == "pubdate" || name == "updated" || name == "modified") &&
                (parent_is("item") || parent_is("entry")))) {
      entry_.lastmod = std::string(value);
    } else if (is_entry(name)) {
      // Some indexes leave `loc` out.
      if (is_address(value)) set_address(value);
      if (!entry_.url.empty()) entries_.push_back(std::exchange(entry_, {}));
    }
    text_.clear();
    path_.pop_back();
  }

 private:
  result<void> read_lines(std::string_view plain, bool last) {
    line_.append(plain);
    std::size_t at = 0;
    while (at < line_.size()) {
      const std::size_t end = line_.find('\n', at);
      if (end == std::string::npos && !last) break;
      const std::string_view address = trimmed(std::string_view(line_).substr(at, end - at));
      // Some such files hold words of explanation, too.
      if (is_address(address)) {
        entries_.push_back({std::string(address), "", {}});
        any_line_ = true;
      }
      at = end == std::string::npos ? line_.size() : end + 1;
    }
    line_.erase(0, at);
    if (line_.size() > longest_url) return stream_.is_instead("text without line breaks");
    return {};
  }

  bool is_entry(std::string_view name) const {
    const std::size_t depth = path_.size();
    if (name == "url" || name == "sitemap" || name == "entry") return depth == 2;
    return name == "item" && (depth == 2 || depth == 3);
  }
  /// The element around the current one.
  bool parent_is(std::string_view name) const { return path_.size() >= 2 && path_[path_.size() - 2] == name; }

  std::optional<std::string> absolute(std::string_view address) const {
    if (address.empty() || address.size() >= longest_url) return std::nullopt;
    if (is_address(address)) return std::string(address);
    auto resolved = resolve_url(url_, address);
    return resolved.has_value() ? std::optional(std::move(*resolved)) : std::nullopt;
  }
  void set_address(std::string_view address) {
    if (!entry_.url.empty()) return;
    if (auto found = absolute(trimmed(address))) entry_.url = std::move(*found);
  }

  std::string url_;
  list_stream stream_;
  std::string line_;
  bool any_line_ = false;
  std::vector<std::string> path_;
  std::string root_;
  std::string text_;
  sitemap_entry entry_;
  std::vector<sitemap_entry> entries_;
  bool index_ = false;
  bool known_root_ = false;
};

sitemap_parser::sitemap_parser(const std::string& url, std::size_t max_bytes)
    : impl_(std::make_unique<impl>(url, max_bytes)) {}
sitemap_parser::~sitemap_parser() = default;
sitemap_parser::sitemap_parser(sitemap_parser&&) noexcept = default;
sitemap_parser& sitemap_parser::operator=(sitemap_parser&&) noexcept = default;

result<void> sitemap_parser::push(std::string_view piece) {
  return impl_->push(piece);
}
result<void> sitemap_parser::finish() {
  return impl_->finish();
}
std::vector<sitemap_entry> sitemap_parser::take() {
  return impl_->take();
}
bool sitemap_parser::is_index() const noexcept {
  return impl_->is_index();
}

}  // namespace catwalk::scrape
