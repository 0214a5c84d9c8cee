#include "storage/state_operations.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>

namespace catwalk::storage {
namespace {

constexpr std::size_t largest_group = 256;
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
    writer_->execute("pragma journal_mode=wal; pragma synchronous=full; pragma temp_store=memory;");
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

void state_database::impl::push(std::unique_ptr<state_operation> what, line& to) {
  {
    std::lock_guard guard(to.mutex);
    if (!to.closed) {
      to.waiting.push_back(std::move(what));
      to.ready.notify_one();
      return;
    }
  }
  const bool read_only = &to == &writes_ && options_.read_only;
  what->fail({errc::invalid_argument, action, file_.string(),
              read_only ? "it was opened for reading alone" : "it is closed", ""});
  what->finish();
}

void state_database::impl::write_until_closed() {
  for (;;) {
    group operations;
    {
      std::unique_lock guard(writes_.mutex);
      writes_.ready.wait(guard, [&] { return writes_.closed || !writes_.waiting.empty(); });
      if (writes_.waiting.empty()) return;
      while (!writes_.waiting.empty() && operations.size() < largest_group) {
        operations.push_back(std::move(writes_.waiting.front()));
        writes_.waiting.pop_front();
      }
    }
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
  writer_->execute("begin immediate");
  // One that is alone has the transaction to itself: no savepoint, for which SQLite would copy each page.
  const bool alone = operations.size() == 1;
  for (auto& operation : operations) {
    if (!alone) writer_->execute("savepoint operation");
    try {
      operation->run(*writer_);
    } catch (const sqlite::failure& f) {
      // A full disk concerns the whole group, and some failures end the transaction.
      if (f.disk_full() || !writer_->in_transaction()) throw;
      operation->fail(sqlite::to_error(f, action, file_.string()));
    } catch (const std::exception& e) {
      operation->fail({errc::internal, action, file_.string(), e.what(), "this is a bug in catwalk"});
    }
    if (alone) break;
    if (!operation->succeeded()) writer_->execute("rollback to operation");
    writer_->execute("release operation");
  }
  writer_->execute(alone && !operations.front()->succeeded() ? "rollback" : "commit");
  return std::nullopt;
} catch (const sqlite::failure& f) {
  if (writer_->in_transaction()) {
    try {
      writer_->execute("rollback");
    } catch (const sqlite::failure& second) {
      spdlog::error("{}", sqlite::to_error(second, "cannot roll back", file_.string()).to_string());
    }
  }
  return f;
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
      db.execute("begin");
      operation->run(db);
    } catch (const sqlite::failure& f) {
      operation->fail(sqlite::to_error(f, "cannot read the state database", file_.string()));
    } catch (const std::exception& e) {
      operation->fail({errc::internal, action, file_.string(), e.what(), "this is a bug in catwalk"});
    }
    try {
      if (db.in_transaction()) db.execute("rollback");
    } catch (const sqlite::failure& f) {
      operation->fail(sqlite::to_error(f, "cannot read the state database", file_.string()));
    }
    operation->finish();
  }
}

}  // namespace catwalk::storage
