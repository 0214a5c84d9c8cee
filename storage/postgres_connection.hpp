#pragma once
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

struct pg_conn;
struct pg_result;

namespace catwalk::storage {

/// What Postgres said of a statement that failed.
struct postgres_failure {
  std::string sqlstate;  ///< empty where the connection broke
  std::string message;
  std::string detail;
  std::string hint;
};

/// The rows of a query, as text.
class postgres_rows {
 public:
  explicit postgres_rows(pg_result* r);
  int size() const noexcept;
  bool is_null(int row, int column) const;
  std::string text(int row, int column) const;
  /// How many rows a change has touched.
  int changed() const;

 private:
  std::shared_ptr<pg_result> result_;
};

/// One connection to Postgres through libpq. Every call blocks: use it on a worker thread, one at a time. TLS
/// is asked for (`sslmode=require`) unless the address says otherwise or is on this machine. Statements are
/// sent in libpq's unnamed form, so that a transaction pooler can stand between.
class postgres_connection {
 public:
  struct options {
    std::string url;  ///< postgres://… or `host=… dbname=…`
    std::chrono::seconds connect_timeout{10};
    std::chrono::seconds answer_timeout{60};       ///< for each answer, and each statement has one
    const std::atomic<bool>* cancelled = nullptr;  ///< once true, whatever waits ends
  };
  explicit postgres_connection(options o);
  ~postgres_connection();
  postgres_connection(const postgres_connection&) = delete;
  postgres_connection& operator=(const postgres_connection&) = delete;

  /// Connects where there is no connection. Errors: `invalid_config` (the address), `sink_unauthorized`,
  /// `sink_unavailable`.
  result<void> open();
  void close() noexcept;
  /// False before the first call and once the connection has broken.
  bool is_open() const noexcept { return handle_ != nullptr; }

  using parameters = std::vector<std::optional<std::string>>;
  /// One statement with $1, $2 … as text. Errors as run(); failure() says more.
  result<postgres_rows> query(const std::string& sql, const parameters& values = {});
  /// One or several statements. Errors: `sink_rejected` (Postgres refuses it), `sink_unavailable` (the
  /// connection broke, or the time ran out; it is closed then).
  result<void> run(const std::string& sql);
  /// One or several statements, one of them a COPY … FROM STDIN that takes all of `data`. Errors as run().
  result<void> copy_in(const std::string& sql, std::string_view data);

  /// Why the last call failed; only valid after an error.
  const postgres_failure& failure() const noexcept { return failure_; }
  /// Where it is, without the password: for logs.
  std::string where() const;

 private:
  result<pg_result*> answer();
  error broken(std::string why);
  error refused(pg_result* r);
  std::optional<std::string> wait_for_input(std::chrono::steady_clock::time_point deadline);

  const options options_;
  pg_conn* handle_ = nullptr;
  postgres_failure failure_;
};

}  // namespace catwalk::storage
