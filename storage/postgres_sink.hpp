#pragma once
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "storage/layout.hpp"
#include "storage/postgres_connection.hpp"
#include "storage/sink.hpp"
#include "storage/sink_check.hpp"

namespace catwalk::storage {

struct postgres_options {
  std::string url;
  std::string table = "products";
  bool detect_layout = true;
  layout::settings rows;
};

/// Postgres itself. A batch is copied in binary into a temporary table and merged from there, in one
/// transaction, so that it works through a transaction pooler. libpq blocks on a thread of this sink's own;
/// the loop never waits. Connects when there is something to do, and again after a break.
class postgres_sink final : public sink {
 public:
  explicit postgres_sink(postgres_options options);
  ~postgres_sink() override;
  std::string name() const override;
  boost::asio::awaitable<result<sink_description>> describe() override;
  boost::asio::awaitable<sink_reply> upsert(const std::vector<sink_row>& rows) override;
  boost::asio::awaitable<sink_reply> remove(const std::vector<sink_row>& rows) override;
  boost::asio::awaitable<result<std::vector<stored_row>>> read_rows(stored_rows_query query) override;
  boost::asio::awaitable<sink_reply> set_vectors(std::vector<vector_update> updates) override;
  boost::asio::awaitable<result<std::int64_t>> count_rows(stored_rows_query query) override;
  std::shared_ptr<const layout> shape() const override;
  void stop() override { stopped_ = true; }

 private:
  // These run on the sink's thread.
  result<sink_description> look();
  std::optional<sink_reply> look_first();
  sink_reply write(const std::vector<sink_row>& rows);
  sink_reply erase(const std::vector<sink_row>& rows);
  /// What follows `where`, with its values.
  struct row_condition {
    std::string where;
    postgres_connection::parameters values;
  };
  row_condition condition(const stored_rows_query& q) const;
  result<std::vector<stored_row>> read(const stored_rows_query& query);
  sink_reply set(const std::vector<vector_update>& updates);
  sink_reply failed(error why, bool committing);
  template <class Statements>
  sink_reply in_transaction(Statements statements);
  sink_reply merge(const std::string& columns, std::string_view rows, const std::string& merging);
  std::string table() const;
  std::string type_of(const std::string& column) const;

  const postgres_options options_;
  std::atomic<bool> stopped_ = false;
  postgres_connection connection_;
  std::shared_ptr<const layout> layout_;  ///< once the table was described; replaced, never changed
  mutable std::mutex published_mutex_;
  std::shared_ptr<const layout> published_;  ///< the latest layout_, for shape()
  table_facts facts_;
  std::optional<int> width_;
  boost::asio::thread_pool thread_{1};
};

}  // namespace catwalk::storage
