#include "embed/durable_file.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>

namespace catwalk::embed {
namespace {

error failure(std::string what, const std::filesystem::path& path, int code) {
  error e{code == ENOSPC || code == EDQUOT ? errc::disk_full : errc::io,
          std::move(what),
          path.string(),
          std::strerror(code),
          {}};
  if (e.code == errc::disk_full) e.hint = "free some space on that disk and try again";
  if (code == EACCES || code == EROFS) e.hint = "give the user that runs catwalk permission to write there";
  return e;
}

int sync_path(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  const int code = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  return code;
}

}  // namespace

result<void> write_durably(const std::filesystem::path& file,
                           std::span<const std::span<const std::byte>> parts) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return failure("cannot create file", file, errno);
  int code = 0;
  for (const auto part : parts) {
    std::size_t done = 0;
    while (code == 0 && done < part.size()) {
      const auto n = ::write(fd, part.data() + done, std::min<std::size_t>(part.size() - done, 1 << 24));
      if (n < 0 && errno != EINTR) code = errno;
      if (n > 0) done += static_cast<std::size_t>(n);
    }
  }
  if (code == 0 && ::fsync(fd) != 0) code = errno;
  if (::close(fd) != 0 && code == 0) code = errno;
  if (code != 0) return failure("cannot write file", file, code);
  return {};
}

result<void> write_durably(const std::filesystem::path& file, std::string_view text) {
  const std::array parts{std::as_bytes(std::span(text))};
  return write_durably(file, parts);
}

result<void> replace_durably(const std::filesystem::path& file, std::string_view text) {
  auto half_made = file;
  half_made += ".new-" + std::to_string(::getpid());
  if (auto ok = write_durably(half_made, text); !ok) return ok;
  if (::rename(half_made.c_str(), file.c_str()) != 0) return failure("cannot replace file", file, errno);
  return {};
}

result<void> replace_folder(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (const int code = sync_path(from); code != 0) return failure("cannot sync folder", from, code);
  if (::rename(from.c_str(), to.c_str()) != 0) {
    if (errno != ENOTEMPTY && errno != EEXIST)
      return failure("cannot rename folder to " + to.string(), from, errno);
    // The place is taken: both change names in one step, and the old one goes.
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_EXCHANGE) != 0)
      return failure("cannot exchange folder with " + to.string(), from, errno);
    std::error_code gone;
    std::filesystem::remove_all(from, gone);
    if (gone) return failure("cannot remove replaced folder", from, gone.value());
  }
  if (const int code = sync_path(to.parent_path()); code != 0)
    return failure("cannot sync folder", to.parent_path(), code);
  return {};
}

}  // namespace catwalk::embed
