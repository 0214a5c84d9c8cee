#include "storage/sqlite.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <functional>
#include <new>
#include <utility>

namespace catwalk::storage::sqlite {

namespace {
constexpr int busy_timeout_ms = 10'000;

/// SQLite's own count of the memory in use takes a lock at each allocation, and nobody asks for it.
void stop_counting_memory() {
  static const int done = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  static_cast<void>(done);
}

}  // namespace

failure::failure(int code, std::string message) : code_(code), message_(std::move(message)) {}

bool failure::disk_full() const noexcept {
  return (code_ & 0xff) == SQLITE_FULL;
}

bool failure::damaged() const noexcept {
  return (code_ & 0xff) == SQLITE_CORRUPT || (code_ & 0xff) == SQLITE_NOTADB;
}

error to_error(const failure& f, std::string what, std::string on) {
  error e{errc::database, std::move(what), std::move(on), f.what(), ""};
  if (f.disk_full()) {
    e.code = errc::disk_full;
    e.hint = "free some space on the disk of the state folder";
  } else if (f.damaged()) {
    e.code = errc::state_damaged;
    e.hint =
        "stop catwalk, keep a copy of the folder, then put a backup in its place or try "
        "sqlite3's .recover; catwalk does not start over by itself";
  } else if ((f.code() & 0xff) == SQLITE_BUSY) {
    e.hint = "another program writes to the state database";
  }
  return e;
}

statement::statement(connection& owner, std::vector<sqlite3_stmt*>& idle, sqlite3_stmt* handle)
    : owner_(&owner), idle_(&idle), handle_(handle) {}

statement::statement(statement&& other) noexcept
    : owner_(other.owner_),
      idle_(other.idle_),
      handle_(std::exchange(other.handle_, nullptr)),
      borrows_(other.borrows_) {}

statement::~statement() {
  if (!handle_) return;
  sqlite3_reset(handle_);
  sqlite3_clear_bindings(handle_);
  try {
    idle_->push_back(handle_);
  } catch (const std::bad_alloc&) {
    sqlite3_finalize(handle_);
  }
}

void statement::bind_at(int place, std::int64_t value) {
  if (const int rc = sqlite3_bind_int64(handle_, place, value)) owner_->fail(rc);
}

void statement::bind_at(int place, std::string_view text) {
  // A null pointer would bind NULL instead of an empty text.
  const char* data = text.data() ? text.data() : "";
  const auto lifetime = borrows_ ? SQLITE_STATIC : SQLITE_TRANSIENT;
  if (const int rc = sqlite3_bind_text64(handle_, place, data, text.size(), lifetime, SQLITE_UTF8))
    owner_->fail(rc);
}

void statement::bind_at(int place, const std::vector<std::uint8_t>& blob) {
  const auto lifetime = borrows_ ? SQLITE_STATIC : SQLITE_TRANSIENT;
  if (const int rc = sqlite3_bind_blob64(handle_, place, blob.data(), blob.size(), lifetime))
    owner_->fail(rc);
}

void statement::bind_at(int place, std::nullopt_t) {
  if (const int rc = sqlite3_bind_null(handle_, place)) owner_->fail(rc);
}

bool statement::step() {
  const int rc = sqlite3_step(handle_);
  if (rc == SQLITE_ROW) return true;
  if (rc == SQLITE_DONE) return false;
  owner_->fail(rc);
}

int statement::run() {
  while (step()) {
  }
  const int changed = sqlite3_changes(owner_->handle_);
  reset();
  return changed;
}

void statement::reset() {
  sqlite3_reset(handle_);
  sqlite3_clear_bindings(handle_);
}

bool statement::is_null(int column) const {
  return sqlite3_column_type(handle_, column) == SQLITE_NULL;
}

std::int64_t statement::integer(int column) const {
  return sqlite3_column_int64(handle_, column);
}

std::string statement::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
  if (!data) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}

std::optional<std::string> statement::optional_text(int column) const {
  if (is_null(column)) return std::nullopt;
  return text(column);
}

std::optional<std::int64_t> statement::optional_integer(int column) const {
  if (is_null(column)) return std::nullopt;
  return integer(column);
}

std::string_view statement::blob(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(handle_, column));
  if (!data) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}

connection::connection(const std::filesystem::path& file, mode how) {
  stop_counting_memory();
  const int flags =
      (how == mode::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) | SQLITE_OPEN_NOMUTEX;
  const int rc = sqlite3_open_v2(file.c_str(), &handle_, flags, nullptr);
  if (rc != SQLITE_OK) {
    failure f(rc, handle_ ? sqlite3_errmsg(handle_) : sqlite3_errstr(rc));
    sqlite3_close_v2(handle_);
    throw f;
  }
  sqlite3_extended_result_codes(handle_, 1);
  sqlite3_busy_timeout(handle_, busy_timeout_ms);
  try {
    execute("pragma foreign_keys=on");
  } catch (...) {
    sqlite3_close_v2(handle_);
    throw;
  }
}

connection::~connection() {
  for (auto& [sql, idle] : idle_)
    for (auto* handle : idle) sqlite3_finalize(handle);
  sqlite3_close_v2(handle_);
}

void connection::fail(int code) const {
  // The system's errno tells a full disk from other write errors: SQLite reports both as SQLITE_IOERR_WRITE.
  std::string message = sqlite3_errmsg(handle_);
  const int number = sqlite3_system_errno(handle_);
  const bool full = number == ENOSPC || number == EDQUOT;
  if ((code & 0xff) == SQLITE_IOERR && full) code = SQLITE_FULL;
  throw failure(code, std::move(message));
}

void connection::execute(const std::string& sql) {
  if (const int rc = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr)) fail(rc);
}

std::size_t connection::text_hash::operator()(std::string_view sql) const noexcept {
  constexpr std::size_t part = sizeof(std::uint64_t);
  if (sql.size() < 4 * part) return std::hash<std::string_view>{}(sql);
  std::uint64_t hash = sql.size();
  for (const auto at : {sql.size() / 4, sql.size() / 2, sql.size() - sql.size() / 4, sql.size() - part}) {
    std::uint64_t word = 0;
    std::memcpy(&word, sql.data() + std::min(at, sql.size() - part), part);
    hash = (hash ^ word) * 0x9E37'79B9'7F4A'7C15;
    hash ^= hash >> 32;
  }
  return hash;
}

statement connection::prepare(std::string_view sql) {
  auto found = idle_.find(sql);
  if (found == idle_.end()) found = idle_.try_emplace(std::string(sql)).first;
  auto& idle = found->second;
  sqlite3_stmt* handle = nullptr;
  if (!idle.empty()) {
    handle = idle.back();
    idle.pop_back();
    return {*this, idle, handle};
  }
  if (const int rc = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &handle, nullptr))
    fail(rc);
  return {*this, idle, handle};
}

std::int64_t connection::last_row() const noexcept {
  return sqlite3_last_insert_rowid(handle_);
}

bool connection::in_transaction() const noexcept {
  return sqlite3_get_autocommit(handle_) == 0;
}

void connection::back_up_to(const std::filesystem::path& file) {
  sqlite3* target = nullptr;
  int rc = sqlite3_open_v2(file.c_str(), &target,
                           SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  if (rc == SQLITE_OK) {
    sqlite3_backup* copy = sqlite3_backup_init(target, "main", handle_, "main");
    if (copy) {
      sqlite3_backup_step(copy, -1);
      sqlite3_backup_finish(copy);
    }
    rc = sqlite3_errcode(target);
  }
  const std::string message = target ? sqlite3_errmsg(target) : sqlite3_errstr(rc);
  sqlite3_close_v2(target);
  if (rc != SQLITE_OK) throw failure(rc, message);
}

}  // namespace catwalk::storage::sqlite
