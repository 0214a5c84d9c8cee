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
    requests_.emplace(request->id, std::move(request));
  }
  changed_.notify_one();
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
}

request_ptr prepared_queue::take(std::uint64_t id) {
  return std::move(requests_.extract(id).mapped());
}

std::optional<prepared_queue::batch> prepared_queue::pop() {
  std::unique_lock lock(mutex_);
  while (true) {
    const auto step = policy_.next(steady_now());
    if (!step.batch.empty() || !step.expired.empty()) {
      batch out;
      for (const auto id : step.batch) out.run.push_back(take(id));
      for (const auto id : step.expired) out.expired.push_back(take(id));
      const bool more = !policy_.empty();
      lock.unlock();
      room_.notify_all();
      if (more) changed_.notify_one();
      return out;
    }
    if (closed_ && policy_.empty()) return std::nullopt;
    if (step.wake == steady_time::max())
      changed_.wait(lock);
    else
      changed_.wait_until(lock, step.wake);
  }
}

}  // namespace catwalk::embed
