#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <string>

#include "core/task_group.hpp"
#include "daemon/text_embedder.hpp"
#include "storage/product_texts.hpp"

namespace catwalk::daemon {

/// The vectors of products' texts (`info_embedding`): asks the state whose text changed, has it embedded in
/// small batches, one at a time, and commits the vectors with the rows that they belong to. Fed from the
/// database, as image_stage is. Loop-only.
class text_stage {
 public:
  struct parts {
    storage::product_texts texts;
    text_embedder& embedder;
    std::string fingerprint;             ///< of the text tower
    bool to_sink;                        ///< vectors go on to the outbox
    std::function<void()> on_committed;  ///< the outbox writer may have something to send
  };

  text_stage(boost::asio::any_io_executor loop, parts p);

  /// Starts the feeding coroutine.
  void start();
  /// Products may have changed.
  void notify();
  /// Suspends until no text is due, or one could not be embedded.
  boost::asio::awaitable<void> wait_until_idle();
  /// Takes no further batch; the one in flight goes on.
  void stop_intake();
  /// Cancels what is in flight and waits for it.
  boost::asio::awaitable<void> stop();

  std::uint64_t embedded() const noexcept { return embedded_; }

 private:
  boost::asio::awaitable<void> feed();
  boost::asio::awaitable<result<bool>> work_off_one_batch();
  boost::asio::awaitable<void> rest();

  parts parts_;
  std::uint64_t embedded_ = 0;
  bool accepting_ = true;
  bool unlooked_ = true;  ///< the state may hold due texts that the feed has not asked for yet
  bool resting_ = false;
  boost::asio::steady_timer wake_;  ///< cancelled when there may be something to do
  boost::asio::steady_timer idle_;  ///< cancelled when resting
  task_group tasks_;
};

}  // namespace catwalk::daemon
