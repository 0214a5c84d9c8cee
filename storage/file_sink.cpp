#include "storage/file_sink.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "core/json_text.hpp"
#include "core/offload.hpp"

namespace catwalk::storage {

namespace asio = boost::asio;

namespace {

/// Appends all of `text` and waits for the disk; takes back what a failure left half written. Returns errno.
int append(const std::filesystem::path& file, const std::string& text) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) return errno;
  struct stat before {};
  int problem = ::fstat(fd, &before) == 0 ? 0 : errno;
  for (std::size_t done = 0; problem == 0 && done < text.size();) {
    const auto n = ::write(fd, text.data() + done, text.size() - done);
    if (n >= 0)
      done += static_cast<std::size_t>(n);
    else if (errno != EINTR)
      problem = errno;
  }
  if (problem == 0 && ::fdatasync(fd) != 0 && errno != EINVAL) problem = errno;
  if (problem != 0 && S_ISREG(before.st_mode) && ::ftruncate(fd, before.st_size) != 0) problem = errno;
  ::close(fd);
  return problem;
}

}  // namespace

file_sink::file_sink(std::filesystem::path file, layout rows, asio::any_io_executor workers)
    : file_(std::move(file)), layout_(std::move(rows)), workers_(std::move(workers)) {}

std::string file_sink::name() const {
  return "file " + file_.string();
}

asio::awaitable<result<sink_description>> file_sink::describe() {
  sink_description description;
  description.layout = layout_.name();
  description.has_availability = layout_.column_of("availability").has_value();
  auto touch = [file = file_] { return append(file, ""); };
  if (const int problem = co_await offload(workers_, std::move(touch))) {
    co_return error{errc::sink_unavailable, "cannot write the sink's file", file_.string(),
                    std::strerror(problem), "check sink.path"};
  }
  co_return description;
}

std::string file_sink::line(const sink_row& row) const {
  if (!row.is_delete) return layout_.row_text(row.item, row.vector ? &*row.vector : nullptr) + "\n";
  nlohmann::json gone = nlohmann::json::object();
  if (const auto key = layout_.key_of(row.item))
    for (std::size_t i = 0; i < key->size(); ++i) gone[layout_.conflict()[i]] = (*key)[i];
  gone["deleted"] = true;
  return json_text(gone) + "\n";
}

asio::awaitable<sink_reply> file_sink::write(const std::vector<sink_row>& rows) {
  auto work = [this, &rows] {
    std::string text;
    for (const auto& row : rows) text += line(row);
    return append(file_, text);
  };
  const int problem = co_await offload(workers_, std::move(work));
  sink_reply reply;
  if (problem != 0) {
    const bool full = problem == ENOSPC || problem == EDQUOT;
    reply.what = sink_reply::kind::retry;
    reply.why = error{full ? errc::disk_full : errc::io, "cannot write the sink's file", file_.string(),
                      std::strerror(problem), "check sink.path"};
  } else {
    reply.what = sink_reply::kind::accepted;
  }
  co_return reply;
}

asio::awaitable<sink_reply> file_sink::upsert(const std::vector<sink_row>& rows) {
  return write(rows);
}

asio::awaitable<sink_reply> file_sink::remove(const std::vector<sink_row>& rows) {
  return write(rows);
}

}  // namespace catwalk::storage
