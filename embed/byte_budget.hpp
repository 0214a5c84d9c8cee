#pragma once
#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace catwalk::embed {

/// Bounds the memory that decoders hold between them. A claim larger than the whole budget is granted when
/// nothing else is held. Thread-safe.
class byte_budget {
 public:
  explicit byte_budget(std::size_t total) : total_(total) {}

  /// Holds its bytes until it ends.
  class claim {
   public:
    claim(byte_budget& budget, std::size_t bytes) : budget_(budget), bytes_(bytes) {
      budget_.acquire(bytes_);
    }
    ~claim() { budget_.release(bytes_); }
    claim(const claim&) = delete;
    claim& operator=(const claim&) = delete;

   private:
    byte_budget& budget_;
    std::size_t bytes_;
  };

 private:
  void acquire(std::size_t bytes) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return held_ == 0 || bytes <= total_ - std::min(held_, total_); });
    held_ += bytes;
  }
  void release(std::size_t bytes) {
    {
      std::lock_guard lock(mutex_);
      held_ -= bytes;
    }
    room_.notify_all();
  }

  const std::size_t total_;
  std::mutex mutex_;
  std::condition_variable room_;
  std::size_t held_ = 0;
};

}  // namespace catwalk::embed
