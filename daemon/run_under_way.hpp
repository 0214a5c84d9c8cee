#pragma once
#include <string>
#include <string_view>

#include "core/clock.hpp"
#include "daemon/image_stage.hpp"
#include "daemon/run_report.hpp"
#include "storage/sink.hpp"

namespace catwalk::daemon {

/// What a run does, one after the other. Images and rows go on while pages are read; in `images` and `sink`
/// it waits for the rest of them.
enum class run_stage { pages, sync, images, sink };
std::string_view name_of(run_stage stage) noexcept;

/// A run that goes on, as it can be looked at.
struct run_under_way {
  std::string job;
  wall_time started{};
  steady_time began{};
  run_stage stage = run_stage::pages;
  bool cancelling = false;
  /// As far as it is: images and rows are counted at the end.
  const run_report* report = nullptr;
  /// What had been done when it began.
  image_counts images_before;
  storage::writer_status rows_before;
};

/// Is told what happens to runs. Called on the loop; must not throw.
class run_observer {
 public:
  virtual ~run_observer() = default;
  virtual void run_started(const run_under_way& run) = 0;
  /// Its outcome is in the catalogue.
  virtual void run_ended(storage::run_id run) = 0;
  /// A run begins or ends to read the site.
  virtual void site_changed(const std::string& site) = 0;
};

}  // namespace catwalk::daemon
