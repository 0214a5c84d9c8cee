#include "storage/state_operations.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <iterator>

namespace catwalk::storage {
namespace {

constexpr std::size_t largest_group = 256;
/// So many share a transaction well enough, and wait for no others.
constexpr std::size_t crowd = 64;
constexpr const char* action = "cannot use the state database";

}  // namespace

state_database::impl::impl(state_options options, std::filesystem::path file)
    : options_(std::move(options)), file_(std::move(file)), ballast_(options_.dir) {}

state_database::impl::~impl() {
  close();
}

result<void> state_database::impl::start(std::optional<folder_lock> lock) try {
  lock_ = std::move(lock);
  if (!options_.read_only) {
    writer_ = std::make_unique<sqlite::connection>(file_, sqlite::connection::mode::read_write);
    // The cache holds what a page of many products changes; with SQLite's 2 MB it is read and written again.
    writer_->execute(
        "pragma journal_mode=wal; pragma synchronous=full; pragma temp_store=memory; "
        "pragma cache_size=-8000;");
    if (!ballast_.fill(0))
      spdlog::warn("no room for the 16 MB that catwalk keeps back in {}", options_.dir.string());
  }
  for (int i = 0; i < std::max(1, options_.reader_connections); ++i)
    readers_.push_back(std::make_unique<sqlite::connection>(file_, sqlite::connection::mode::read_only));
  writes_.closed = options_.read_only;
  reads_.closed = false;
  if (writer_) threads_.emplace_back([this] { write_until_closed(); });
  for (auto& reader : readers_) threads_.emplace_back([this, db = reader.get()] { read_until_closed(*db); });
  return {};
} catch (const sqlite::failure& f) {
  return sqlite::to_error(f, "cannot open the state database", file_.string());
}

void state_database::impl::close() {
  for (line* l : {&writes_, &reads_}) {
    {
      std::lock_guard guard(l->mutex);
      l->closed = true;
    }
    l->ready.notify_all();
  }
  for (auto& thread : threads_) thread.join();
  threads_.clear();
  readers_.clear();
  if (writer_) {
    try {
      writer_->execute("pragma wal_checkpoint(truncate)");
    } catch (const sqlite::failure& f) {
      spdlog::warn("{}",
                   sqlite::to_error(f, "cannot shorten the write-ahead log", file_.string()).to_string());
    }
    writer_.reset();
  }
  lock_.reset();
}

bool state_database::impl::intake_paused() const noexcept {
  return ballast_lost_ || free_bytes(options_.dir) < options_.min_free;
}

void state_database::impl::push(std::unique_ptr<state_operation> what, line& to,
                                std::chrono::milliseconds patience) {
  const auto due = patience.count() > 0 ? steady_now() + patience : steady_time::min();
  std::unique_lock guard(to.mutex);
  if (!to.closed) {
    to.waiting.push_back(std::move(what));
    const bool wakes = patience.count() == 0 || due < to.due || to.waiting.size() == crowd;
    to.due = std::min(to.due, due);
    guard.unlock();  // or the woken thread would wait for it at once
    if (wakes) to.ready.notify_one();
    return;
  }
  guard.unlock();
  const bool read_only = &to == &writes_ && options_.read_only;
  what->fail({errc::invalid_argument, action, file_.string(),
              read_only ? "it was opened for reading alone" : "it is closed", ""});
  what->finish();
}

void state_database::impl::hurry() {
  std::lock_guard guard(writes_.mutex);
  if (writes_.waiting.empty()) return;
  writes_.due = steady_time::min();
  writes_.ready.notify_one();
}

state_database::impl::group state_database::impl::take_due_writes() {
  std::unique_lock guard(writes_.mutex);
  const auto go = [&] {
    return writes_.closed || writes_.waiting.size() >= crowd || writes_.due == steady_time::min();
  };
  while (!go()) {
    const auto due = writes_.due;
    if (writes_.waiting.empty())
      writes_.ready.wait(guard);
    else if (writes_.ready.wait_until(guard, due) == std::cv_status::timeout)
      break;
  }
  const auto last =
      writes_.waiting.begin() + static_cast<std::ptrdiff_t>(std::min(writes_.waiting.size(), largest_group));
  group taken(std::make_move_iterator(writes_.waiting.begin()), std::make_move_iterator(last));
  writes_.waiting.erase(writes_.waiting.begin(), last);
  writes_.due = writes_.waiting.empty() ? steady_time::max() : steady_time::min();
  return taken;
}

void state_database::impl::write_until_closed() {
  for (;;) {
    group operations = take_due_writes();
    if (operations.empty()) return;
    commit(operations);
    if (ballast_lost_ && ballast_.fill(options_.min_free)) {
      ballast_lost_ = false;
      spdlog::info("there is space again on the disk of {}", options_.dir.string());
    }
  }
}

void state_database::impl::commit(group& operations) {
  auto failed = try_commit(operations);
  if (failed && failed->disk_full() && ballast_.give_up()) {
    ballast_lost_ = true;
    spdlog::error("the disk of {} is full: gave up the 16 MB kept back; intake pauses",
                  options_.dir.string());
    failed = try_commit(operations);
  }
  for (auto& operation : operations) {
    if (failed)
      operation->fail(sqlite::to_error(*failed, "cannot write to the state database", file_.string()));
    operation->finish();
  }
}

std::optional<sqlite::failure> state_database::impl::try_commit(group& operations) try {
  if (!commit_as_one(operations)) commit_each(operations);
  return std::nullopt;
} catch (const sqlite::failure& f) {
  if (writer_->in_transaction()) {
    try {
      writer_->run("rollback");
    } catch (const sqlite::failure& second) {
      spdlog::error("{}", sqlite::to_error(second, "cannot roll back", file_.string()).to_string());
    }
  }
  return f;
}

bool state_database::impl::commit_as_one(group& operations) {
  // No savepoints, for which SQLite would copy each page that an operation changes.
  writer_->run("begin immediate");
  for (auto& operation : operations) {
    run(*operation);
    if (operation->succeeded()) continue;
    writer_->run("rollback");
    return operations.size() == 1;
  }
  writer_->run("commit");
  return true;
}

void state_database::impl::commit_each(group& operations) {
  writer_->run("begin immediate");
  for (auto& operation : operations) {
    writer_->run("savepoint operation");
    run(*operation);
    if (!operation->succeeded()) writer_->run("rollback to operation");
    writer_->run("release operation");
  }
  writer_->run("commit");
}

void state_database::impl::run(state_operation& operation) {
  try {
    operation.run(*writer_);
  } catch (const sqlite::failure& f) {
    // A full disk concerns the whole group, and some failures end the transaction.
    if (f.disk_full() || !writer_->in_transaction()) throw;
    operation.fail(sqlite::to_error(f, action, file_.string()));
  } catch (const std::exception& e) {
    operation.fail({errc::internal, action, file_.string(), e.what(), "this is a bug in catwalk"});
  }
}

void state_database::impl::read_until_closed(sqlite::connection& db) {
  for (;;) {
    std::unique_ptr<state_operation> operation;
    {
      std::unique_lock guard(reads_.mutex);
      reads_.ready.wait(guard, [&] { return reads_.closed || !reads_.waiting.empty(); });
      if (reads_.waiting.empty()) return;
      operation = std::move(reads_.waiting.front());
      reads_.waiting.pop_front();
    }
    try {
      db.run("begin");
      operation->run(db);
    } catch (const sqlite::failure& f) {
      operation->fail(sqlite::to_error(f, "cannot read the state database", file_.string()));
    } catch (const std::exception& e) {
      operation->fail({errc::internal, action, file_.string(), e.what(), "this is a bug in catwalk"});
    }
    try {
      if (db.in_transaction()) db.run("rollback");
    } catch (const sqlite::failure& f) {
      operation->fail(sqlite::to_error(f, "cannot read the state database", file_.string()));
    }
    operation->finish();
  }
}

}  // namespace catwalk::storage
