#include "storage/file_sink.hpp"

#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>

#include "core/json_text.hpp"
#include "core/offload.hpp"

namespace catwalk::storage {

namespace asio = boost::asio;

namespace {

row_file::form form_of(const layout& shape) {
  return {shape.columns(true, true), shape.conflict(), shape.vector_column().value_or("")};
}

}  // namespace

file_sink::file_sink(std::filesystem::path file, layout rows, int batch, asio::any_io_executor workers)
    : file_(std::move(file)),
      layout_(std::move(rows)),
      rows_(file_, form_of(layout_)),
      full_batch_(static_cast<std::size_t>(batch)),
      workers_(std::move(workers)) {}

file_sink::~file_sink() {
  if (!rows_.unsettled()) return;
  if (auto done = rows_.settle(); !done)
    spdlog::error("{}; its journal keeps the rows", done.error().to_string());
}

std::string file_sink::name() const {
  return "file " + file_.string();
}

asio::awaitable<result<sink_description>> file_sink::describe() {
  auto look = [this]() -> result<void> {
    if (auto touched = rows_.add(""); !touched) return touched;
    // What an earlier process could not bring to its place.
    return rows_.unsettled() ? rows_.settle() : result<void>();
  };
  auto looked = co_await offload(workers_, std::move(look));
  if (!looked) co_return looked.error();
  sink_description description;
  description.layout = layout_.name();
  description.has_availability = layout_.column_of("availability").has_value();
  description.takes_texts = layout_.text_column().has_value();
  co_return description;
}

std::string file_sink::line(const sink_row& row) const {
  if (!row.is_delete)
    return layout_.row_text(row.item, row.vector ? &*row.vector : nullptr, row.text ? &*row.text : nullptr) +
           "\n";
  nlohmann::json gone = nlohmann::json::object();
  if (const auto key = layout_.key_of(row.item))
    for (std::size_t i = 0; i < key->size(); ++i) gone[layout_.conflict()[i]] = (*key)[i];
  gone["deleted"] = true;
  return json_text(gone) + "\n";
}

asio::awaitable<sink_reply> file_sink::write(const std::vector<sink_row>& rows) {
  auto work = [this, &rows]() -> result<void> {
    std::string text;
    for (const auto& row : rows) text += line(row);
    if (auto added = rows_.add(text); !added) return added;
    return rows.size() < full_batch_ ? rows_.settle() : result<void>();
  };
  const auto written = co_await offload(workers_, std::move(work));
  sink_reply reply;
  reply.what = written ? sink_reply::kind::accepted : sink_reply::kind::retry;
  if (!written) reply.why = written.error();
  co_return reply;
}

asio::awaitable<sink_reply> file_sink::upsert(const std::vector<sink_row>& rows) {
  return write(rows);
}

asio::awaitable<sink_reply> file_sink::remove(const std::vector<sink_row>& rows) {
  return write(rows);
}

}  // namespace catwalk::storage
