#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/http_client.hpp"
#include "storage/layout.hpp"
#include "storage/sink.hpp"

namespace catwalk::storage {

struct supabase_options {
  std::string url;  ///< https://PROJECT.supabase.co, without a slash at the end
  std::string key;
  std::string table = "products";
  bool detect_layout = true;
  layout::settings rows;
  std::map<std::string, std::string> headers;  ///< beside the sink's own
};

/// Supabase's REST interface (PostgREST behind a gateway). A new key (`sb_secret_…`) goes into `apikey`
/// alone, a legacy one (a JWT) into `Authorization` too.
class supabase_sink final : public sink {
 public:
  supabase_sink(supabase_options options, http_client& http, boost::asio::any_io_executor workers);
  int concurrency() const override { return 16; }
  std::string name() const override;
  boost::asio::awaitable<result<sink_description>> describe() override;
  boost::asio::awaitable<sink_reply> upsert(const std::vector<sink_row>& rows) override;
  boost::asio::awaitable<sink_reply> remove(const std::vector<sink_row>& rows) override;
  boost::asio::awaitable<result<std::vector<stored_row>>> read_rows(stored_rows_query query) override;
  boost::asio::awaitable<sink_reply> set_vectors(std::vector<vector_update> updates) override;
  boost::asio::awaitable<result<std::int64_t>> count_rows(stored_rows_query query) override;
  std::shared_ptr<const layout> shape() const override { return layout_; }

 private:
  struct table_columns {
    std::set<std::string> names;
    std::map<std::string, std::string>
        formats;  ///< by column, as Postgres writes types; empty where not told
  };
  http_request request(std::string method, const std::string& path_and_query) const;
  boost::asio::awaitable<result<http_response>> get(std::string path_and_query, std::string accept);
  error refused(const http_response& answer) const;
  boost::asio::awaitable<result<table_columns>> read_columns();
  boost::asio::awaitable<result<table_columns>> probe_columns();
  boost::asio::awaitable<result<std::optional<int>>> width_of_a_row(std::string column);
  boost::asio::awaitable<sink_reply> send(const layout& form, std::string body, bool with_vector,
                                          bool with_text);
  boost::asio::awaitable<sink_reply> change(std::string method, std::string filter, std::string body);
  boost::asio::awaitable<std::optional<sink_reply>> describe_first();
  boost::asio::awaitable<result<sink_description>> learn();
  boost::asio::awaitable<void> look_closer(sink_description& description);
  boost::asio::awaitable<sink_reply> post(std::string path, std::string body, std::string prefer);
  boost::asio::awaitable<std::optional<std::string>> find_older_id(const layout& form, const product& p);

  const supabase_options options_;
  http_client& http_;
  boost::asio::any_io_executor workers_;  ///< make the bodies
  std::shared_ptr<const layout> layout_;  ///< once the table was described; replaced, never changed
  std::optional<int> width_;              ///< of its vector column, where known
  bool can_set_vectors_ = false;          ///< catwalk_set_vectors is there
};

}  // namespace catwalk::storage
