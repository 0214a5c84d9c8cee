#include "storage/sqlite.hpp"

#include <sqlite3.h>

#include <cerrno>
#include <utility>

namespace catwalk::storage::sqlite {

namespace {
constexpr int busy_timeout_ms = 10'000;
}

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

statement::statement(connection& owner, std::string_view sql, sqlite3_stmt* handle)
    : owner_(&owner), sql_(sql), handle_(handle) {}

statement::statement(statement&& other) noexcept
    : owner_(other.owner_), sql_(std::move(other.sql_)), handle_(std::exchange(other.handle_, nullptr)) {}

statement::~statement() {
  if (!handle_) return;
  sqlite3_reset(handle_);
  sqlite3_clear_bindings(handle_);
  owner_->give_back(std::move(sql_), handle_);
}

void statement::bind_at(int place, std::int64_t value) {
  if (const int rc = sqlite3_bind_int64(handle_, place, value)) owner_->fail(rc);
}

void statement::bind_at(int place, std::string_view text) {
  // A null pointer would bind NULL instead of an empty text.
  const char* data = text.data() ? text.data() : "";
  if (const int rc = sqlite3_bind_text64(handle_, place, data, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8))
    owner_->fail(rc);
}

void statement::bind_at(int place, const std::vector<std::uint8_t>& blob) {
  if (const int rc = sqlite3_bind_blob64(handle_, place, blob.data(), blob.size(), SQLITE_TRANSIENT))
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
  for (auto& [sql, idle] : idle_) sqlite3_finalize(idle);
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

statement connection::prepare(std::string_view sql) {
  if (const auto found = idle_.find(sql); found != idle_.end()) {
    sqlite3_stmt* handle = found->second;
    idle_.erase(found);
    return {*this, sql, handle};
  }
  sqlite3_stmt* handle = nullptr;
  if (const int rc = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &handle, nullptr))
    fail(rc);
  return {*this, sql, handle};
}

void connection::give_back(std::string sql, sqlite3_stmt* handle) noexcept {
  try {
    idle_.emplace(std::move(sql), handle);
  } catch (...) {
    sqlite3_finalize(handle);
  }
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
