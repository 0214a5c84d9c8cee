#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>

#include "core/embedding.hpp"
#include "core/task_group.hpp"
#include "daemon/application.hpp"
#include "embed/text_encoder.hpp"

namespace catwalk::daemon {

/// Vectors of the words that people search for. The text tower is loaded at the first question and let go
/// after some minutes without one: it takes some hundred MB. Loop-only.
class query_text {
 public:
  static constexpr std::chrono::minutes kept_for{10};
  static constexpr int most_at_once = 8;

  explicit query_text(application& app) : app_(app), tasks_(app.loop().get_executor()) {}

  /// To be compared with vectors of pictures. Errors: `not_found` where the model has no text tower or
  /// embed.text is off, `model_missing`, `queue_full`, `device`.
  boost::asio::awaitable<result<embedding>> embed(std::string text);
  boost::asio::awaitable<void> stop();

 private:
  boost::asio::awaitable<void> release_when_unused();

  application& app_;
  std::shared_ptr<embed::text_encoder> encoder_;
  steady_time last_used_{};
  int active_ = 0;
  task_group tasks_;
};

}  // namespace catwalk::daemon
