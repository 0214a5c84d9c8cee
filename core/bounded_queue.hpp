#pragma once
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

namespace catwalk {

/// Limits of a queue. Producers stop at the limit and are woken at the low mark (half of it), each once.
struct queue_limits {
  std::size_t items = 256;
  std::size_t bytes = 128'000'000;
};

/// A queue between the loop and worker threads, bounded in items and in bytes. Thread-safe.
///
/// An item larger than `limits.bytes` is admitted when the queue is empty, so that it cannot wait for ever.
/// Two lanes: `front` items (people's queries) leave before `back` items (bulk) and do not count against the
/// limits of bulk.
template <class T>
class bounded_queue {
 public:
  enum class lane { bulk, interactive };

  explicit bounded_queue(queue_limits limits) : limits_(limits) {}

  /// Moves `item` in and returns true, or leaves it with the caller and returns false: full, or closed.
  [[nodiscard]] bool try_push(T& item, std::size_t bytes, lane to = lane::bulk) {
    {
      std::lock_guard lock(mutex_);
      if (closed_ || full(to, bytes)) return false;
      auto& line = to == lane::bulk ? bulk_ : interactive_;
      line.emplace_back(std::move(item), bytes);
      if (to == lane::bulk) bytes_ += bytes;
    }
    ready_.notify_one();
    return true;
  }

  /// Calls `wake` once, on whatever thread makes room for an item of `bytes` (or closes): at once when there
  /// is room already. This is what an awaiting producer registers with after try_push returned false.
  void notify_when_room(std::size_t bytes, std::function<void()> wake) {
    {
      std::lock_guard lock(mutex_);
      if (!closed_ && !has_room(bytes)) {
        waiters_.push_back({bytes, std::move(wake)});
        return;
      }
    }
    wake();
  }

  /// Blocks until there is an item, or returns nullopt when the queue is closed and empty.
  std::optional<T> pop() {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [&] { return closed_ || !bulk_.empty() || !interactive_.empty(); });
    return take(lock);
  }

  /// As pop(), giving up after `wait`.
  template <class Rep, class Period>
  std::optional<T> pop_for(std::chrono::duration<Rep, Period> wait) {
    std::unique_lock lock(mutex_);
    ready_.wait_for(lock, wait, [&] { return closed_ || !bulk_.empty() || !interactive_.empty(); });
    return take(lock);
  }

  /// Producers end: pushes fail from now on, consumers drain what is left.
  void close() {
    std::deque<waiter> waiters;
    {
      std::lock_guard lock(mutex_);
      closed_ = true;
      waiters.swap(waiters_);
    }
    ready_.notify_all();
    for (auto& w : waiters) w.wake();
  }

  bool closed() const {
    std::lock_guard lock(mutex_);
    return closed_;
  }
  std::size_t size() const {
    std::lock_guard lock(mutex_);
    return bulk_.size() + interactive_.size();
  }
  std::size_t bytes() const {
    std::lock_guard lock(mutex_);
    return bytes_;
  }

 private:
  struct entry {
    entry(T v, std::size_t n) : value(std::move(v)), bytes(n) {}
    T value;
    std::size_t bytes;
  };

  struct waiter {
    std::size_t bytes;
    std::function<void()> wake;
  };

  bool full(lane to, std::size_t bytes) const {
    if (to == lane::interactive) return interactive_.size() >= limits_.items;
    if (bulk_.empty()) return false;
    return bulk_.size() >= limits_.items || bytes_ + bytes > limits_.bytes;
  }
  /// Producers that were refused come back at the low mark, and when their own item fits.
  bool has_room(std::size_t bytes) const {
    if (bulk_.empty()) return true;
    return bulk_.size() <= limits_.items / 2 && bytes_ <= limits_.bytes / 2 &&
           bytes_ + bytes <= limits_.bytes;
  }

  std::optional<T> take(std::unique_lock<std::mutex>& lock) {
    std::optional<T> item;
    std::deque<waiter> woken;
    if (!interactive_.empty()) {
      item.emplace(std::move(interactive_.front().value));
      interactive_.pop_front();
    } else if (!bulk_.empty()) {
      bytes_ -= bulk_.front().bytes;
      item.emplace(std::move(bulk_.front().value));
      bulk_.pop_front();
      while (!waiters_.empty() && has_room(waiters_.front().bytes)) {
        woken.push_back(std::move(waiters_.front()));
        waiters_.pop_front();
      }
    }
    lock.unlock();
    for (auto& w : woken) w.wake();
    return item;
  }

  const queue_limits limits_;
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<entry> bulk_, interactive_;
  std::deque<waiter> waiters_;
  std::size_t bytes_ = 0;
  bool closed_ = false;
};

}  // namespace catwalk
