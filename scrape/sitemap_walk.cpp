#include "scrape/sitemap_walk.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/offload.hpp"
#include "core/url.hpp"
#include "scrape/contained.hpp"
#include "scrape/spool.hpp"

namespace catwalk::scrape {
namespace {

namespace asio = boost::asio;

constexpr std::size_t chunk = 65536;

}  // namespace

struct sitemap_walk::open_file {
  waiting_file named;
  spool document;
  sitemap_parser parser;
  std::size_t at = 0;  ///< read so far, bytes
  bool ended = false;
  std::vector<sitemap_entry> parsed{};
  std::optional<error> failure{};
};

sitemap_walk::sitemap_walk(const source_context& context, const site_requests& requests, std::string address,
                           std::vector<std::string> url_contains)
    : context_(context), requests_(requests), url_contains_(std::move(url_contains)) {
  seen_.insert(address);
  waiting_.push_back({std::move(address), 1});
}

sitemap_walk::~sitemap_walk() = default;

asio::awaitable<result<std::optional<std::vector<sitemap_entry>>>> sitemap_walk::next() {
  for (;;) {
    if (!file_) {
      if (waiting_.empty()) co_return std::optional<std::vector<sitemap_entry>>();
      waiting_file next = std::move(waiting_.back());
      waiting_.pop_back();
      if (auto opened = co_await open(std::move(next)); opened.has_error()) co_return opened.error();
      continue;
    }
    auto entries = co_await read_some();
    if (entries.has_error()) co_return entries.error();
    const bool index = file_->parser.is_index();
    const int depth = file_->named.depth;
    if (file_->ended && file_->parsed.empty()) {
      if (file_->failure) failures_.push_back(std::move(*file_->failure));
      file_.reset();
    }
    if (index) {
      add_files(*entries, depth);
      continue;
    }
    std::erase_if(*entries, [&](const sitemap_entry& entry) { return !wanted(entry); });
    if (!entries->empty()) co_return std::optional(std::move(*entries));
  }
}

asio::awaitable<result<void>> sitemap_walk::open(waiting_file next) {
  auto document = spool::open();
  if (document.has_error()) co_return document.error();
  page_address address{next.url, ""};
  auto response = co_await requests_.fetch_into(std::move(address), nullptr, *document);
  if (response.has_error()) {
    if (response.error().code == errc::cancelled) co_return response.error();
    failures_.push_back(response.error());
  } else if (response->status < 200 || response->status >= 300) {
    error failure{errc::http_status, "cannot read the sitemap", redacted(next.url),
                  "the shop answered " + std::to_string(response->status), ""};
    failure.http_status = response->status;
    failures_.push_back(std::move(failure));
  } else {
    sitemap_parser parser(next.url, context_.fetch.pages.max_bytes);
    file_ = std::make_unique<open_file>(open_file{std::move(next), std::move(*document), std::move(parser)});
  }
  co_return result<void>();
}

asio::awaitable<result<std::vector<sitemap_entry>>> sitemap_walk::read_some() {
  // The file's state goes to and fro between the loop and the pool, which never use it at once.
  auto work =
      contained(redacted(file_->named.url), [file = file_.get()]() -> result<std::vector<sitemap_entry>> {
        while (file->parsed.size() < batch && !file->ended) {
          auto bytes = file->document.read(file->at, chunk);
          if (bytes.has_error()) return bytes.error();
          file->at += bytes->size();
          file->ended = bytes->empty();
          const auto read = file->ended ? file->parser.finish() : file->parser.push(*bytes);
          for (sitemap_entry& entry : file->parser.take()) file->parsed.push_back(std::move(entry));
          if (read.has_value()) continue;
          file->failure = read.error();
          file->ended = true;
        }
        const auto count = static_cast<std::ptrdiff_t>(std::min(file->parsed.size(), batch));
        std::vector<sitemap_entry> some(std::make_move_iterator(file->parsed.begin()),
                                        std::make_move_iterator(file->parsed.begin() + count));
        file->parsed.erase(file->parsed.begin(), file->parsed.begin() + count);
        return some;
      });
  return offload(context_.cpu, std::move(work));
}

void sitemap_walk::add_files(const std::vector<sitemap_entry>& entries, int depth) {
  if (entries.empty()) return;
  if (depth == max_depth) {
    failures_.push_back({errc::too_large, "did not follow an index of sitemaps",
                         redacted(entries.front().url),
                         "it is more than " + std::to_string(max_depth) + " levels deep", ""});
    return;
  }
  std::vector<waiting_file> fresh;
  for (const sitemap_entry& entry : entries) {
    if (seen_.size() >= max_files) {
      failures_.push_back({errc::too_large, "did not follow every sitemap", redacted(entry.url),
                           "there are more than " + std::to_string(max_files), ""});
      break;
    }
    if (seen_.insert(entry.url).second) fresh.push_back({entry.url, depth + 1});
  }
  // In the order of the index: what is taken next stands last.
  std::move(fresh.rbegin(), fresh.rend(), std::back_inserter(waiting_));
}

bool sitemap_walk::wanted(const sitemap_entry& entry) const {
  return url_contains_.empty() ||
         std::any_of(url_contains_.begin(), url_contains_.end(),
                     [&](const std::string& part) { return entry.url.find(part) != std::string::npos; });
}

}  // namespace catwalk::scrape
