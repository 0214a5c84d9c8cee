#include "daemon/text_stage.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>
#include <vector>

namespace catwalk::daemon {

namespace asio = boost::asio;

namespace {
constexpr auto awaitable_tuple = asio::as_tuple(asio::use_awaitable);
/// A person's text waits for one batch at most: some hundred milliseconds.
constexpr int batch = 16;
constexpr auto look_again = std::chrono::seconds(30);
}  // namespace

text_stage::text_stage(asio::any_io_executor loop, parts p)
    : parts_(std::move(p)), wake_(loop), idle_(loop), tasks_(loop) {
  idle_.expires_at(asio::steady_timer::time_point::max());
}

void text_stage::start() {
  tasks_.spawn("text feed", feed());
}

void text_stage::notify() {
  unlooked_ = true;
  resting_ = false;
  wake_.cancel();
}

void text_stage::stop_intake() {
  accepting_ = false;
  wake_.cancel();
  idle_.cancel();
}

asio::awaitable<void> text_stage::feed() {
  while (accepting_) {
    unlooked_ = false;
    auto working = work_off_one_batch();
    const auto worked = co_await std::move(working);
    if (worked && *worked) continue;
    if (!worked) spdlog::error("{}", worked.error().to_string());
    // A notify() that came meanwhile counts, unless nothing can be done.
    if (!worked || !unlooked_) co_await rest();
  }
}

asio::awaitable<void> text_stage::rest() {
  resting_ = true;
  idle_.cancel();
  wake_.expires_after(look_again);
  co_await wake_.async_wait(awaitable_tuple);
  resting_ = false;
}

/// False: nothing is due.
asio::awaitable<result<bool>> text_stage::work_off_one_batch() {
  auto asking = parts_.texts.due(parts_.fingerprint, batch);
  auto due = co_await std::move(asking);
  if (!due) co_return due.error();
  if (due->empty()) co_return false;
  std::vector<std::string> texts, hashes;
  for (const auto& one : *due) {
    const bool again = std::find(hashes.begin(), hashes.end(), one.hash) != hashes.end();
    if (one.ready || one.text.empty() || again) continue;
    texts.push_back(one.text);
    hashes.push_back(one.hash);
  }
  std::vector<std::pair<std::string, embedding>> vectors;
  if (!texts.empty()) {
    auto embedding_them = parts_.embedder.embed_bulk(std::move(texts));
    auto made = co_await std::move(embedding_them);
    if (!made) co_return made.error();
    for (std::size_t i = 0; i < hashes.size(); ++i)
      vectors.emplace_back(hashes[i], std::move(made->vectors[i]));
  }
  const auto count = vectors.size();
  auto committing =
      parts_.texts.commit(std::move(vectors), std::move(*due), parts_.fingerprint, parts_.to_sink);
  if (auto kept = co_await std::move(committing); !kept) co_return kept.error();
  embedded_ += count;
  parts_.on_committed();
  co_return true;
}

asio::awaitable<void> text_stage::wait_until_idle() {
  notify();
  while (accepting_ && !resting_) co_await idle_.async_wait(awaitable_tuple);
}

asio::awaitable<void> text_stage::stop() {
  stop_intake();
  tasks_.cancel();
  co_await tasks_.join();
}

}  // namespace catwalk::daemon
