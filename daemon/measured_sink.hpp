#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/metrics.hpp"
#include "storage/sink.hpp"

namespace catwalk::daemon {

/// A sink that counts rows by outcome and times its requests, for the metrics.
class measured_sink final : public storage::sink {
 public:
  measured_sink(std::unique_ptr<storage::sink> inner, catwalk::metrics& metrics)
      : inner_(std::move(inner)), metrics_(metrics) {}
  int concurrency() const override { return inner_->concurrency(); }
  std::string name() const override { return inner_->name(); }
  boost::asio::awaitable<result<storage::sink_description>> describe() override { return inner_->describe(); }
  boost::asio::awaitable<storage::sink_reply> upsert(const std::vector<storage::sink_row>& rows) override;
  boost::asio::awaitable<storage::sink_reply> remove(const std::vector<storage::sink_row>& rows) override;
  boost::asio::awaitable<result<std::vector<storage::stored_row>>> read_rows(
      storage::stored_rows_query query) override {
    return inner_->read_rows(std::move(query));
  }
  boost::asio::awaitable<storage::sink_reply> set_vectors(
      std::vector<storage::vector_update> updates) override {
    return inner_->set_vectors(std::move(updates));
  }
  boost::asio::awaitable<result<std::int64_t>> count_rows(storage::stored_rows_query query) override {
    return inner_->count_rows(std::move(query));
  }
  std::shared_ptr<const storage::layout> shape() const override { return inner_->shape(); }
  void stop() override { inner_->stop(); }

 private:
  boost::asio::awaitable<storage::sink_reply> measure(boost::asio::awaitable<storage::sink_reply> request,
                                                      std::size_t rows);

  std::unique_ptr<storage::sink> inner_;
  catwalk::metrics& metrics_;
};

}  // namespace catwalk::daemon
