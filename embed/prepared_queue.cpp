#include "embed/prepared_queue.hpp"

#include <utility>

namespace catwalk::embed {

void prepared_queue::push(request_ptr request) {
  {
    std::unique_lock lock(mutex_);
    if (request->who == lane::bulk)
      room_.wait(lock, [&] { return policy_.size(lane::bulk) < capacity_ || request->cancelled; });
    // Checked under the lock that cancel() takes: whoever cancels later finds the item in the policy.
    if (request->cancelled) return;
    policy_.add(request->id, request->who, steady_now(), request->expires);
    auto& waiting = request->who == lane::interactive && idle_query_workers_ > 0 ? query_came_ : changed_;
    requests_.emplace(request->id, std::move(request));
    waiting.notify_one();
  }
}

void prepared_queue::cancel(std::uint64_t id) {
  {
    std::lock_guard lock(mutex_);
    if (policy_.cancel(id)) requests_.erase(id);
  }
  room_.notify_all();
}

void prepared_queue::close() {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    policy_.close();
  }
  changed_.notify_all();
  query_came_.notify_all();
}

request_ptr prepared_queue::take(std::uint64_t id) {
  return std::move(requests_.extract(id).mapped());
}

prepared_queue::batch prepared_queue::hand_out(const batch_policy::step& step,
                                               std::unique_lock<std::mutex>& lock) {
  batch out;
  for (const auto id : step.batch) out.run.push_back(take(id));
  for (const auto id : step.expired) out.expired.push_back(take(id));
  const bool more = !policy_.empty();
  lock.unlock();
  room_.notify_all();
  if (more) changed_.notify_one();
  return out;
}

std::optional<prepared_queue::batch> prepared_queue::pop() {
  std::unique_lock lock(mutex_);
  while (true) {
    const bool queries_are_taken = idle_query_workers_ > 0 && !closed_;
    const auto step = policy_.next(steady_now(), queries_are_taken ? taking::bulk : taking::both);
    if (!step.batch.empty() || !step.expired.empty()) return hand_out(step, lock);
    if (closed_ && policy_.empty()) return std::nullopt;
    if (step.wake == steady_time::max())
      changed_.wait(lock);
    else
      changed_.wait_until(lock, step.wake);
  }
}

int prepared_queue::idle_query_workers() const {
  const std::lock_guard lock(mutex_);
  return idle_query_workers_;
}

std::optional<prepared_queue::batch> prepared_queue::pop_queries() {
  std::unique_lock lock(mutex_);
  while (true) {
    const auto step = policy_.next(steady_now(), taking::queries);
    if (!step.batch.empty() || !step.expired.empty()) return hand_out(step, lock);
    if (closed_) return std::nullopt;
    ++idle_query_workers_;
    query_came_.wait(lock);
    --idle_query_workers_;
  }
}

}  // namespace catwalk::embed
