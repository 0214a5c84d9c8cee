#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "storage/layout.hpp"
#include "storage/row_file.hpp"
#include "storage/sink.hpp"

namespace catwalk::storage {

/// Rows in a file (see row_file). A batch is durable when it is accepted; the file itself is brought up to
/// date when a batch is not a full one, so that nothing more waits behind it, and at the end. Files are
/// written on `workers`.
class file_sink final : public sink {
 public:
  file_sink(std::filesystem::path file, layout rows, int batch, boost::asio::any_io_executor workers);
  ~file_sink() override;
  std::string name() const override;
  boost::asio::awaitable<result<sink_description>> describe() override;
  boost::asio::awaitable<sink_reply> upsert(const std::vector<sink_row>& rows) override;
  boost::asio::awaitable<sink_reply> remove(const std::vector<sink_row>& rows) override;

 private:
  boost::asio::awaitable<sink_reply> write(const std::vector<sink_row>& rows);
  std::string line(const sink_row& row) const;

  std::filesystem::path file_;
  layout layout_;
  row_file rows_;
  std::size_t full_batch_;
  boost::asio::any_io_executor workers_;
};

}  // namespace catwalk::storage
