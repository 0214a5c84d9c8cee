#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "storage/layout.hpp"
#include "storage/sink.hpp"

namespace catwalk::storage {

/// Rows as lines of JSON at the end of a file, each batch written through to the disk. A product that changes
/// gets another line, one that is gone a line with its key and `"deleted": true`: the last line of a key
/// counts. Lines are made and written on `workers`.
class file_sink final : public sink {
 public:
  file_sink(std::filesystem::path file, layout rows, boost::asio::any_io_executor workers);
  std::string name() const override;
  boost::asio::awaitable<result<sink_description>> describe() override;
  boost::asio::awaitable<sink_reply> upsert(const std::vector<sink_row>& rows) override;
  boost::asio::awaitable<sink_reply> remove(const std::vector<sink_row>& rows) override;

 private:
  boost::asio::awaitable<sink_reply> write(const std::vector<sink_row>& rows);
  std::string line(const sink_row& row) const;

  std::filesystem::path file_;
  layout layout_;
  boost::asio::any_io_executor workers_;
};

}  // namespace catwalk::storage
