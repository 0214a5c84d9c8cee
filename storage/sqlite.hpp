#pragma once
#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/error.hpp"

struct sqlite3;
struct sqlite3_stmt;

/// The one place that speaks to SQLite. Inside storage/ a failed call throws `failure`; the state database
/// turns it into an `error` at the end of the operation, so that none crosses the folder's boundary.
namespace catwalk::storage::sqlite {

/// A call that SQLite refused.
class failure : public std::exception {
 public:
  failure(int code, std::string message);
  const char* what() const noexcept override { return message_.c_str(); }
  /// SQLite's extended result code.
  int code() const noexcept { return code_; }
  /// SQLITE_FULL, or a write that met ENOSPC or EDQUOT.
  bool disk_full() const noexcept;
  /// SQLITE_CORRUPT or SQLITE_NOTADB.
  bool damaged() const noexcept;

 private:
  int code_;
  std::string message_;
};

/// `f` in catwalk's words: `disk_full`, `state_damaged` or `database`.
error to_error(const failure& f, std::string what, std::string on);

class connection;

/// A prepared statement, taken from its connection's cache and given back, reset, on destruction.
class statement {
 public:
  ~statement();
  statement(statement&& other) noexcept;
  statement(const statement&) = delete;
  statement& operator=(const statement&) = delete;
  statement& operator=(statement&&) = delete;

  /// Binds the values to ?1, ?2 … in order. Texts and blobs are copied, except by connection::run().
  template <class... Values>
  statement& bind(const Values&... values) {
    int place = 0;
    (bind_at(++place, values), ...);
    return *this;
  }
  void bind_at(int place, std::int64_t value);
  void bind_at(int place, int value) { bind_at(place, static_cast<std::int64_t>(value)); }
  void bind_at(int place, bool value) { bind_at(place, static_cast<std::int64_t>(value)); }
  void bind_at(int place, std::string_view text);
  void bind_at(int place, const std::string& text) { bind_at(place, std::string_view(text)); }
  void bind_at(int place, const char* text) { bind_at(place, std::string_view(text)); }
  void bind_at(int place, const std::vector<std::uint8_t>& blob);
  void bind_at(int place, std::nullopt_t);
  template <class T>
  void bind_at(int place, const std::optional<T>& value) {
    if (value)
      bind_at(place, *value);
    else
      bind_at(place, std::nullopt);
  }

  /// True while there is a row.
  bool step();
  /// Steps to the end; the statement gives no rows that matter. Returns how many rows it changed.
  int run();
  /// Makes the statement ready for other values.
  void reset();

  bool is_null(int column) const;
  std::int64_t integer(int column) const;
  std::string text(int column) const;
  std::optional<std::string> optional_text(int column) const;
  std::optional<std::int64_t> optional_integer(int column) const;
  /// Valid until the next step.
  std::string_view blob(int column) const;

 private:
  friend class connection;
  /// `idle`: where the handle goes back to.
  statement(connection& owner, std::vector<sqlite3_stmt*>& idle, sqlite3_stmt* handle);

  connection* owner_;
  std::vector<sqlite3_stmt*>* idle_;
  sqlite3_stmt* handle_;
  bool borrows_ = false;  ///< texts and blobs are not copied: they outlive the statement's run
};

/// One connection; used by one thread at a time.
class connection {
 public:
  enum class mode { read_write, read_only };
  /// Opens the file, which must exist. Throws `failure`.
  connection(const std::filesystem::path& file, mode how);
  ~connection();
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  /// Runs one or more statements without values.
  void execute(const std::string& sql);
  /// A statement from the cache.
  statement prepare(std::string_view sql);
  /// Runs one statement with values; returns how many rows it changed.
  template <class... Values>
  int run(std::string_view sql, const Values&... values) {
    auto s = prepare(sql);
    s.borrows_ = true;
    s.bind(values...);
    return s.run();
  }
  /// The rowid of the row that was inserted last.
  std::int64_t last_row() const noexcept;
  /// False once SQLite has rolled the transaction back by itself, as it may after a full disk.
  bool in_transaction() const noexcept;
  /// Copies the whole database into `file` with SQLite's online backup.
  void back_up_to(const std::filesystem::path& file);

 private:
  friend class statement;
  [[noreturn]] void fail(int code) const;

  /// Of parts of the text, all of which is compared anyway: each row that is stored or sent looks up five
  /// statements.
  struct text_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view sql) const noexcept;
  };

  sqlite3* handle_ = nullptr;
  /// By their text. The nodes stay where they are: statements in use point at theirs.
  std::unordered_map<std::string, std::vector<sqlite3_stmt*>, text_hash, std::equal_to<>> idle_;
};

}  // namespace catwalk::storage::sqlite
