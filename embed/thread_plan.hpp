#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"

namespace catwalk::embed {

/// How many threads make forward passes, each with how many intra-op threads, on batches of at most how many
/// pictures.
struct thread_plan {
  int workers = 1;
  int intra_op = 1;
  int batch = 32;

  bool operator==(const thread_plan&) const = default;
};

/// Without a measurement: one thread each while there are few (two workers beat one worker with two threads
/// by 4 to 10 %), groups beyond that, so that batches still fill. On a GPU two workers, one of which copies
/// while the other computes.
thread_plan usual_plan(int threads, int batch, bool cuda);

/// What is worth measuring on `threads` cores: the usual plan first, then fewer workers with more threads
/// each, down to a single one, and as many workers as cores.
std::vector<thread_plan> plans_to_measure(int threads, int batch);
/// The batch sizes that `embed.batch: auto` chooses between.
inline constexpr int batches_to_measure[] = {8, 16, 32, 64};

/// A plan with what was measured of it.
struct measured_plan {
  thread_plan plan;
  double images_per_second = 0;
};
/// The usual plan, which is the first, unless another is faster by more than noise is (5 %).
thread_plan choose_plan(const std::vector<measured_plan>& measured);
/// The smallest batch that is within 3 % of the fastest: smaller ones take less memory and let people through
/// sooner.
int choose_batch(const std::vector<measured_plan>& measured);

/// Chosen plans in a file of the state folder, one for each machine and model, since both may change under
/// it.
class kept_plans {
 public:
  /// `file` need not exist; empty: nothing is kept.
  explicit kept_plans(std::filesystem::path file) : file_(std::move(file)) {}

  /// nullopt where none is kept for `key`, or the file cannot be read.
  std::optional<thread_plan> find(const std::string& key) const;
  /// Replaces the file whole. Errors: `io`, `disk_full`.
  result<void> keep(const std::string& key, const thread_plan& plan) const;

  const std::filesystem::path& file() const noexcept { return file_; }

 private:
  std::filesystem::path file_;
};

/// What a measurement belongs to besides the model: the processor's name, its cores, the instruction sets
/// that oneDNN and torch were told to stay within. One line.
std::string describe_machine(int threads);

}  // namespace catwalk::embed
