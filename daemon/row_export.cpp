#include "daemon/row_export.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/json_text.hpp"
#include "storage/sink.hpp"

namespace catwalk::daemon {

result<row_export> row_export::open(std::filesystem::path target, std::string layout) {
  row_export out(std::move(target), std::move(layout));
  out.temporary_ = out.target_;
  out.temporary_ += ".part" + std::to_string(getpid());
  out.descriptor_ = ::open(out.temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (out.descriptor_ < 0) return out.failure(std::strerror(errno));
  return out;
}

row_export::row_export(row_export&& other) noexcept
    : target_(std::move(other.target_)),
      temporary_(std::move(other.temporary_)),
      layout_(std::move(other.layout_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      rows_(other.rows_) {}

row_export::~row_export() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

error row_export::failure(const char* why) const {
  error e{errc::io, "cannot write rows", target_.string(), why, "choose a folder that can be written"};
  if (errno == ENOSPC) e.code = errc::disk_full;
  return e;
}

result<void> row_export::write(const product& item, const embedding* vector) {
  const auto row = storage::row_as_json(item, vector, layout_);
  const auto line = json_text(row) + "\n";
  for (std::size_t done = 0; done < line.size();) {
    const auto n = ::write(descriptor_, line.data() + done, line.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failure(std::strerror(errno));
    done += static_cast<std::size_t>(n);
  }
  ++rows_;
  return {};
}

result<void> row_export::finish() {
  if (::fsync(descriptor_) != 0) return failure(std::strerror(errno));
  ::close(std::exchange(descriptor_, -1));
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) return failure(std::strerror(errno));
  return {};
}

}  // namespace catwalk::daemon
