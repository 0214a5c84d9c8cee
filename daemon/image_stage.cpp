#include "daemon/image_stage.hpp"

#include <spdlog/spdlog.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "core/log_scope.hpp"
#include "core/offload.hpp"
#include "core/sha256.hpp"
#include "daemon/image_retry.hpp"
#include "scrape/image_source.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

namespace {
constexpr auto awaitable_tuple = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kept_failures = 20;
constexpr int failed_looks_at_most = 3;
constexpr auto look_again = std::chrono::seconds(30);  // for images whose next try comes due
}  // namespace

/// Counts bytes for as long as it lives.
class image_stage::bytes_held {
 public:
  bytes_held(std::size_t& total, std::size_t bytes) : total_(total), bytes_(bytes) { total_ += bytes_; }
  ~bytes_held() { total_ -= bytes_; }
  bytes_held(const bytes_held&) = delete;
  bytes_held& operator=(const bytes_held&) = delete;

 private:
  std::size_t& total_;
  std::size_t bytes_;
};

image_stage::image_stage(const asio::any_io_executor& loop, parts p)
    : loop_(loop), parts_(std::move(p)), wake_(loop), idle_(loop), tasks_(loop) {
  idle_.expires_at(asio::steady_timer::time_point::max());
}

void image_stage::start() {
  tasks_.spawn("image feed", feed());
}

void image_stage::notify() {
  unlooked_ = true;
  wake_.cancel();
}

void image_stage::stop_intake() {
  accepting_ = false;
  wake_.cancel();
  idle_.cancel();
}

bool image_stage::room_for_another() {
  const auto items = static_cast<std::size_t>(parts_.embed.queue_items);
  const auto limit = parts_.embed.queue_bytes;
  const auto held = in_flight_.size() - fetching_;
  if (above_mark_)
    above_mark_ = held > items / 2 || held_bytes_ > limit / 2;
  else
    above_mark_ = held >= items || held_bytes_ >= limit;
  const auto lane = static_cast<std::size_t>(parts_.fetch.images.concurrency);
  return !above_mark_ && fetching_ < lane && !parts_.intake.closed();
}

asio::awaitable<void> image_stage::feed() {
  while (accepting_) {
    if (!room_for_another()) {
      // A task that ends wakes the feed; the timer covers a queue that drains without one ending.
      wake_.expires_after(std::chrono::milliseconds(100));
      co_await wake_.async_wait(awaitable_tuple);
      continue;
    }
    const int room = parts_.fetch.images.concurrency - static_cast<int>(fetching_);
    std::vector<std::string> skip(in_flight_.begin(), in_flight_.end());
    unlooked_ = false;
    auto due = co_await parts_.catalogue.due_images(wall_now(), room, std::move(skip));
    if (!due) {
      spdlog::error("{}", due.error().to_string());
      if (++failed_looks_ == failed_looks_at_most) {
        spdlog::error(
            "the catalogue cannot be asked for images: no further one is fetched until the next start");
        stop_intake();
        co_return;
      }
      wake_.expires_after(look_again);
      co_await wake_.async_wait(awaitable_tuple);
      continue;
    }
    failed_looks_ = 0;
    nothing_due_ = false;
    for (auto& image : *due) {
      in_flight_.insert(image.url);
      ++fetching_;
      tasks_.spawn("image", process(std::move(image)));
    }
    // A notify() that came while the catalogue was asked counts: what it told of may not be in the answer.
    if (due->empty() && !unlooked_) {
      nothing_due_ = true;
      if (idle()) idle_.cancel();
      wake_.expires_after(look_again);
      co_await wake_.async_wait(awaitable_tuple);
    }
  }
}

asio::awaitable<void> image_stage::process(storage::due_image image) {
  const auto url = image.url;
  const auto site = image.site;
  const auto attempts = image.attempts;
  auto outcome = co_await fetch_and_embed(std::move(image));
  if (!outcome && outcome.error().code != errc::cancelled) {
    ++counts_.failed;
    parts_.metrics.images("failed").Increment();
    if (failures_.size() < kept_failures) failures_.push_back(outcome.error());
    {
      const log_scope_guard of_the_site(log_scope{parts_.run_of(site), site.str()});
      spdlog::warn("{}", outcome.error().to_string());
    }
    storage::image_failure failure{url, outcome.error(),
                                   next_image_try(outcome.error(), attempts, wall_now())};
    auto noted = co_await parts_.catalogue.commit_image_failure(std::move(failure), parts_.to_sink);
    if (!noted) {
      spdlog::error("{}", noted.error().to_string());
      // It stays due: without a pause the shop would be asked for it again and again.
      asio::steady_timer pause(loop_, look_again);
      co_await pause.async_wait(awaitable_tuple);
    }
    parts_.on_committed();
  }
  in_flight_.erase(url);
  if (idle()) idle_.cancel();
  wake_.cancel();
}

asio::awaitable<result<void>> image_stage::fetch_and_embed(storage::due_image image) {
  const auto* site = parts_.find_site(image.site);
  auto request = scrape::image_request(image.url, site, parts_.fetch);
  const auto known = comparable(image);
  if (known && !known->etag.empty()) request.http.headers.set("If-None-Match", known->etag);
  if (known && !known->last_modified.empty())
    request.http.headers.set("If-Modified-Since", known->last_modified);
  auto response = co_await parts_.images.fetch(std::move(request));
  --fetching_;
  wake_.cancel();
  if (!response) co_return response.error();
  // Held from here until the vector is committed; also when the coroutine is cancelled.
  const bytes_held held(held_bytes_, response->body.size());
  const std::string etag(response->headers.find("etag").value_or(""));
  const std::string last_modified(response->headers.find("last-modified").value_or(""));
  if (response->status == 304 && known) {
    storage::image_confirmation same{image.url, etag, last_modified, ""};
    co_return co_await confirm(std::move(same));
  }
  if (response->status >= 300) {
    error e{errc::http_status, "cannot fetch image", image.url,
            "the server answered " + std::to_string(response->status), ""};
    e.http_status = response->status;
    co_return e;
  }
  ++counts_.fetched;
  counts_.bytes += response->body.size();

  storage::vector_commit commit;
  commit.image_url = image.url;
  auto hash = [&body = response->body] { return sha256_hex(body); };
  auto hashing = offload(parts_.cpu, std::move(hash));
  commit.content_sha256 = co_await std::move(hashing);
  if (known && (known->content_sha256.empty() || known->content_sha256 == commit.content_sha256)) {
    storage::image_confirmation same{image.url, etag, last_modified, commit.content_sha256};
    co_return co_await confirm(std::move(same));
  }
  commit.etag = etag;
  commit.last_modified = last_modified;
  auto vector = co_await parts_.encoder.encode(std::move(response->body), image.url, embed::lane::bulk);
  if (!vector) co_return vector.error();
  commit.vector = std::move(*vector);

  std::vector<storage::vector_commit> batch;
  batch.push_back(std::move(commit));
  auto committed = co_await parts_.catalogue.commit_vectors(std::move(batch), parts_.to_sink);
  if (!committed) co_return committed.error();
  ++counts_.embedded;
  parts_.metrics.images("embedded").Increment();
  parts_.on_committed();
  co_return result<void>();
}

std::optional<storage::known_image> image_stage::comparable(const storage::due_image& image) const {
  if (!image.known) return std::nullopt;
  const auto& of = image.known->fingerprint;
  const bool same_space = of == parts_.encoder.model().fingerprint || of == "adopted";
  return same_space ? image.known : std::nullopt;
}

asio::awaitable<result<void>> image_stage::confirm(storage::image_confirmation image) {
  auto confirmed = co_await parts_.catalogue.confirm_image(std::move(image), parts_.to_sink);
  if (!confirmed) co_return confirmed.error();
  ++counts_.unchanged;
  parts_.metrics.images("unchanged").Increment();
  parts_.on_committed();
  co_return result<void>();
}

asio::awaitable<void> image_stage::wait_until_idle() {
  notify();
  while (accepting_ && !idle()) co_await idle_.async_wait(awaitable_tuple);
}

asio::awaitable<void> image_stage::stop() {
  stop_intake();
  tasks_.cancel();
  co_await tasks_.join();
}

}  // namespace catwalk::daemon
