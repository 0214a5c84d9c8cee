#pragma once
#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/clock.hpp"
#include "storage/sqlite.hpp"
#include "storage/state_database.hpp"
#include "storage/state_folder.hpp"

namespace catwalk::storage {

/// One piece of work for a database thread, with the coroutine that waits for it.
class state_operation {
 public:
  virtual ~state_operation() = default;
  /// Does the work and keeps the outcome. May throw sqlite::failure. May be called again after a rollback.
  virtual void run(sqlite::connection& db) = 0;
  virtual bool succeeded() const noexcept = 0;
  /// Replaces the outcome.
  virtual void fail(error why) = 0;
  /// Hands the outcome to the waiting coroutine, on its own executor.
  virtual void finish() = 0;
};

/// What stands behind a state_database: one thread that writes, some that read.
///
/// `write` and `read` take a callable `result<T>(sqlite::connection&)`, run it on a database thread and
/// resume the caller on its own executor. A callable of `write` may run twice, after a rollback, so it must
/// not consume what it captured. Cancelling the caller does not stop the operation: the caller resumes with
/// the outcome, and its next suspension reports the cancellation.
class state_database::impl {
 public:
  impl(state_options options, std::filesystem::path file);
  ~impl();

  /// Opens the connections and starts the threads. `lock` is kept until close().
  result<void> start(std::optional<folder_lock> lock);
  void close();

  /// Durable when it succeeds. Errors: the callable's own, `disk_full`, `database`, `state_damaged`;
  /// `invalid_argument` when the database was opened read-only or is closed. `patience`: how long it may wait
  /// for others to share its transaction with; it goes earlier with one that has none left, when many wait,
  /// or after hurry().
  template <class Work>
  boost::asio::awaitable<std::invoke_result_t<Work&, sqlite::connection&>> write(
      Work work, std::chrono::milliseconds patience = {}) {
    return submit(std::move(work), writes_, patience);
  }
  /// Sees one snapshot of the database.
  template <class Work>
  boost::asio::awaitable<std::invoke_result_t<Work&, sqlite::connection&>> read(Work work) {
    return submit(std::move(work), reads_, {});
  }
  /// Commits the operations that wait for others now.
  void hurry();

  const state_options& options() const noexcept { return options_; }
  bool intake_paused() const noexcept;

 private:
  struct line {
    std::mutex mutex;
    std::condition_variable ready;
    std::deque<std::unique_ptr<state_operation>> waiting;
    steady_time due = steady_time::max();  ///< when the first of them may wait no longer
    bool closed = true;
  };

  template <class Outcome, class Work, class Handler>
  class waiting_operation final : public state_operation {
   public:
    waiting_operation(Work work, Handler handler)
        : executor_(
              boost::asio::prefer(boost::asio::any_io_executor(boost::asio::get_associated_executor(handler)),
                                  boost::asio::execution::outstanding_work.tracked)),
          work_(std::move(work)),
          handler_(std::move(handler)) {}
    void run(sqlite::connection& db) override {
      outcome_.reset();
      outcome_.emplace(work_(db));
    }
    bool succeeded() const noexcept override { return outcome_ && outcome_->has_value(); }
    void fail(error why) override { outcome_.emplace(std::move(why)); }
    void finish() override {
      auto executor = std::move(executor_);
      boost::asio::post(executor, [handler = std::move(handler_), outcome = std::move(*outcome_)]() mutable {
        std::move(handler)(std::move(outcome));
      });
    }

   private:
    boost::asio::any_io_executor executor_;  ///< keeps the caller's loop running until it is answered
    Work work_;
    Handler handler_;
    std::optional<Outcome> outcome_;
  };

  template <class Work>
  auto submit(Work work, line& to, std::chrono::milliseconds patience) {
    using outcome = std::invoke_result_t<Work&, sqlite::connection&>;
    return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(outcome)>(
        [this, &to, patience](auto handler, Work w) {
          using handler_type = std::decay_t<decltype(handler)>;
          push(std::make_unique<waiting_operation<outcome, Work, handler_type>>(std::move(w),
                                                                                std::move(handler)),
               to, patience);
        },
        boost::asio::use_awaitable, std::move(work));
  }

  using group = std::vector<std::unique_ptr<state_operation>>;
  void push(std::unique_ptr<state_operation> what, line& to, std::chrono::milliseconds patience);
  void write_until_closed();
  void read_until_closed(sqlite::connection& db);
  /// Waits until operations are due and takes them; none once the database is closed and all are done.
  group take_due_writes();
  void commit(group& operations);
  std::optional<sqlite::failure> try_commit(group& operations);
  /// Runs them all as one. False where one failed and took back what the others did.
  bool commit_as_one(group& operations);
  /// Runs each in a savepoint of its own, so that one that fails takes back nothing but its own.
  void commit_each(group& operations);
  /// Throws what concerns the whole transaction; the operation keeps what concerns it alone.
  void run(state_operation& operation);

  const state_options options_;
  const std::filesystem::path file_;
  ballast ballast_;
  std::atomic<bool> ballast_lost_ = false;
  std::optional<folder_lock> lock_;
  std::unique_ptr<sqlite::connection> writer_;
  std::vector<std::unique_ptr<sqlite::connection>> readers_;
  line writes_, reads_;
  std::vector<std::thread> threads_;
};

}  // namespace catwalk::storage
