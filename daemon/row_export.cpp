#include "daemon/row_export.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/json_text.hpp"
#include "storage/csv_line.hpp"

namespace catwalk::daemon {

result<void> row_export::check(const std::filesystem::path& target) {
  // Opened and dropped: that finds out all that opening can.
  auto opened = open(target, "auto");
  if (!opened) return opened.error();
  return {};
}

result<row_export> row_export::open(std::filesystem::path target, const std::string& layout) {
  const auto ending = target.extension().string();
  if (ending != ".jsonl" && ending != ".csv")
    return error{errc::invalid_argument, "cannot write rows", target.string(),
                 ending.empty() ? "its name has no ending, which would say how" : "not as " + ending,
                 "name a file that ends in .jsonl or .csv"};
  storage::layout::settings wanted;
  if (layout != "auto" && !layout.empty()) wanted.name = layout;
  row_export out(std::move(target), storage::layout::make(wanted, std::nullopt).value());
  if (std::error_code none; std::filesystem::is_directory(out.target_, none))
    return out.failure("it is a folder");
  out.temporary_ = out.target_;
  out.temporary_ += ".part" + std::to_string(getpid());
  out.descriptor_ = ::open(out.temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (out.descriptor_ < 0) return out.failure(std::strerror(errno));
  if (out.is_csv())
    if (auto named = out.append(storage::csv_header(out.layout_.columns(true))); !named) return named.error();
  return out;
}

row_export::row_export(row_export&& other) noexcept
    : target_(std::move(other.target_)),
      temporary_(std::move(other.temporary_)),
      layout_(std::move(other.layout_)),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

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
  const auto row = layout_.row(item, vector);
  return append(is_csv() ? storage::csv_line(layout_.columns(true), row) : json_text(row) + "\n");
}

result<void> row_export::append(const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const auto n = ::write(descriptor_, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failure(std::strerror(errno));
    done += static_cast<std::size_t>(n);
  }
  return {};
}

result<void> row_export::finish() {
  if (::fsync(descriptor_) != 0) return failure(std::strerror(errno));
  ::close(std::exchange(descriptor_, -1));
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) return failure(std::strerror(errno));
  return {};
}

}  // namespace catwalk::daemon
