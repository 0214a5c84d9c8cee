#include "daemon/backfill.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "core/clock.hpp"
#include "scrape/image_source.hpp"
#include "storage/stored_address.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

namespace {

constexpr int rows_a_page = 64;
constexpr std::size_t updates_a_request = 32;
constexpr std::size_t examples_kept = 10;
constexpr std::chrono::seconds longest_wait(60);

std::string text(const nlohmann::json& columns, const char* name) {
  const auto found = columns.find(name);
  return found != columns.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

backfill::backfill(asio::any_io_executor loop, parts p, options o)
    : loop_(std::move(loop)), parts_(p), sites_(p.sites), options_(o) {}

storage::stored_rows_query backfill::query() const {
  using storage::stored_rows_query;
  stored_rows_query q;
  q.limit = rows_a_page;
  q.model = parts_.encoder.model().name;
  q.which = options_.which == kind::missing ? stored_rows_query::kind::without_vector
            : options_.which == kind::stale ? stored_rows_query::kind::not_of_model
                                            : stored_rows_query::kind::all;
  return q;
}

/// Rows that were given a vector leave the other queries by themselves; `all` must be told where it was.
std::string backfill::note_name() const {
  return "backfill all " + parts_.sink.name() + " " + parts_.encoder.model().fingerprint;
}

void backfill::request_stop() {
  stopping_ = true;
}

asio::awaitable<result<backfill_counts>> backfill::run(
    std::function<void(const backfill_counts&)> on_progress) {
  on_progress_ = std::move(on_progress);
  auto q = query();
  if (options_.which == kind::all) {
    auto noted = co_await parts_.catalogue.note(note_name());
    if (!noted) co_return noted.error();
    q.after = *noted;
    if (q.after) spdlog::info("goes on where it stopped, after {}", *q.after);
  }
  const auto total = co_await parts_.sink.count_rows(q);
  if (!total) co_return total.error();
  counts_.total = *total;
  while (!stopping_) {
    auto rows = co_await parts_.sink.read_rows(q);
    if (!rows) co_return rows.error();
    if (rows->empty()) break;
    q.after = rows->back().id;
    if (auto done = co_await page(std::move(*rows)); !done) co_return done.error();
    if (options_.which != kind::all || stopping_) continue;
    if (auto noted = co_await parts_.catalogue.set_note(note_name(), q.after); !noted)
      co_return noted.error();
  }
  if (options_.which == kind::all && !stopping_)
    if (auto noted = co_await parts_.catalogue.set_note(note_name(), std::nullopt); !noted)
      co_return noted.error();
  co_return counts_;
}

asio::awaitable<void> backfill::pause(std::chrono::nanoseconds time) {
  asio::steady_timer timer(loop_, time);
  co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
}

asio::awaitable<result<void>> backfill::page(std::vector<storage::stored_row> rows) {
  std::vector<std::optional<storage::vector_update>> made(rows.size());
  {
    task_group images(loop_);
    const auto most = static_cast<std::size_t>(std::max(1, parts_.fetch.images.concurrency));
    for (std::size_t i = 0; i < rows.size() && !stopping_; ++i) {
      while (images.size() >= most) co_await pause(std::chrono::milliseconds(10));
      images.spawn("backfill", embed_one(rows[i], made[i]));
      if (options_.rate) {
        constexpr double longest = 86'400;  // beyond a day apart a number of nanoseconds may be too large
        const std::chrono::duration<double> apart(std::min(1 / *options_.rate, longest));
        co_await pause(std::chrono::duration_cast<std::chrono::nanoseconds>(apart));
      }
    }
    co_await images.join();
  }
  std::vector<storage::vector_update> updates;
  for (auto& update : made) {
    if (!update) continue;
    updates.push_back(std::move(*update));
    if (updates.size() < updates_a_request) continue;
    auto full = std::exchange(updates, {});
    if (auto sent = co_await send(std::move(full)); !sent) co_return sent.error();
  }
  co_return co_await send(std::move(updates));
}

asio::awaitable<void> backfill::embed_one(const storage::stored_row& row,
                                          std::optional<storage::vector_update>& update) {
  auto vector = co_await vector_of(row);
  if (vector) {
    update = storage::vector_update{row.id, std::move(*vector)};
    co_return;
  }
  if (vector.error().code == errc::cancelled) co_return;
  ++counts_.failed;
  auto words = row.id + ": " + vector.error().to_string();
  spdlog::warn("{}", words);
  if (counts_.examples.size() < examples_kept) counts_.examples.push_back(std::move(words));
}

asio::awaitable<result<embedding>> backfill::vector_of(const storage::stored_row& row) {
  const auto url = storage::fetchable(text(row.columns, "image_url"));
  if (url.empty()) co_return error{errc::not_found, "the row has no image", "", "", ""};
  if (options_.which != kind::all) {
    // What the catalogue has made already is not made again.
    auto held = co_await parts_.catalogue.vector_of(url, parts_.encoder.model().fingerprint);
    if (held && *held && (*held)->fingerprint != "adopted") co_return std::move(**held);
  }
  auto request = scrape::image_request(url, sites_.find(row.columns), parts_.fetch);
  auto response = co_await parts_.images.fetch(std::move(request));
  if (!response) co_return response.error();
  if (response->status >= 300) {
    error e{errc::http_status, "cannot fetch image", url,
            "the server answered " + std::to_string(response->status), ""};
    e.http_status = response->status;
    co_return e;
  }
  co_return co_await parts_.encoder.encode(std::move(response->body), url, embed::lane::bulk);
}

asio::awaitable<result<void>> backfill::send(std::vector<storage::vector_update> updates) {
  using reply_kind = storage::sink_reply::kind;
  if (updates.empty()) co_return result<void>();
  std::deque<std::vector<storage::vector_update>> batches{std::move(updates)};
  auto wait = std::chrono::milliseconds(1000);
  while (!batches.empty()) {
    auto copy = batches.front();
    const auto reply = co_await parts_.sink.set_vectors(std::move(copy));
    auto& batch = batches.front();
    if (reply.what == reply_kind::accepted) {
      counts_.done += static_cast<std::int64_t>(batch.size());
      batches.pop_front();
      wait = std::chrono::milliseconds(1000);
      on_progress_(counts_);
      continue;
    }
    if (reply.what == reply_kind::park || stopping_) co_return reply.why;
    if (reply.what == reply_kind::retry) {
      co_await pause(std::max(wait, reply.retry_after.value_or(std::chrono::milliseconds(0))));
      wait = std::min<std::chrono::milliseconds>(wait * 2, longest_wait);
      continue;
    }
    if (batch.size() == 1) {
      ++counts_.failed;
      auto words = batch.front().id + ": " + reply.why.to_string();
      spdlog::error("{}", words);
      if (counts_.examples.size() < examples_kept) counts_.examples.push_back(std::move(words));
      batches.pop_front();
      continue;
    }
    const auto middle = batch.begin() + static_cast<std::ptrdiff_t>(batch.size() / 2);
    std::vector<storage::vector_update> second(std::make_move_iterator(middle),
                                               std::make_move_iterator(batch.end()));
    batch.erase(middle, batch.end());
    batches.insert(batches.begin() + 1, std::move(second));
  }
  co_return result<void>();
}

}  // namespace catwalk::daemon
