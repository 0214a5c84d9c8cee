#pragma once
#include <condition_variable>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "embed/batch_policy.hpp"
#include "embed/embed_request.hpp"

namespace catwalk::embed {

/// Between decoders and forward workers: holds prepared images and hands them out in the batches that
/// `batch_policy` decides on. Workers take either lane; one that takes queries alone comes before them, so
/// that a query neither waits for a bulk batch to end nor is taken by whoever runs at low priority.
/// Thread-safe.
class prepared_queue {
 public:
  /// `capacity`: bulk images kept ready; decoders wait beyond it.
  prepared_queue(batch_options options, std::size_t capacity) : policy_(options), capacity_(capacity) {}

  /// Blocks while bulk is full. Queries never wait.
  void push(request_ptr request);
  void cancel(std::uint64_t id);
  /// No push follows; workers drain what is left.
  void close();

  struct batch {
    std::vector<request_ptr> run;      ///< may be empty when something expired
    std::vector<request_ptr> expired;  ///< removed unrun
  };
  /// Blocks until a batch is due; nullopt when closed and empty.
  std::optional<batch> pop();
  /// Blocks until a query is there; nullopt when closed.
  std::optional<batch> pop_queries();
  /// How many wait in `pop_queries`.
  int idle_query_workers() const;

 private:
  request_ptr take(std::uint64_t id);
  /// What the step says; unlocks, and wakes whom it concerns.
  batch hand_out(const batch_policy::step& step, std::unique_lock<std::mutex>& lock);

  mutable std::mutex mutex_;
  std::condition_variable changed_, query_came_, room_;
  batch_policy policy_;
  std::map<std::uint64_t, request_ptr> requests_;
  const std::size_t capacity_;
  int idle_query_workers_ = 0;
  bool closed_ = false;
};

}  // namespace catwalk::embed
