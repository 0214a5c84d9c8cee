#pragma once
#include <boost/asio/awaitable.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "storage/layout.hpp"
#include "storage/sink.hpp"

namespace catwalk::storage {

/// Rows as lines of JSON at the end of a file, each batch written through to the disk. A product that changes
/// gets another line: the last line of a key is its row.
class file_sink final : public sink {
 public:
  file_sink(std::filesystem::path file, layout rows);
  std::string name() const override;
  boost::asio::awaitable<result<sink_description>> describe() override;
  boost::asio::awaitable<sink_reply> upsert(const std::vector<sink_row>& rows) override;

 private:
  std::filesystem::path file_;
  layout layout_;
};

}  // namespace catwalk::storage
