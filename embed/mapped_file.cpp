#include "embed/mapped_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace catwalk::embed {
namespace {

error failure(const std::filesystem::path& path, int code) {
  error e{.code = code == ENOENT ? errc::model_missing : errc::io,
          .what = "cannot read file",
          .on = path.string(),
          .why = std::strerror(code),
          .hint = {}};
  if (code == ENOENT) e.hint = "check the path, or fetch the model again";
  if (code == EACCES) e.hint = "give the user that runs catwalk permission to read it";
  return e;
}

}  // namespace

result<std::shared_ptr<const mapped_file>> mapped_file::open(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return failure(path, errno);
  struct stat info {};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    const int code = S_ISDIR(info.st_mode) ? EISDIR : errno != 0 ? errno : EINVAL;
    ::close(fd);
    return failure(path, code);
  }
  const auto size = static_cast<std::size_t>(info.st_size);
  // An empty file cannot be mapped; it is an empty view.
  void* data = size == 0 ? nullptr : ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  const int code = errno;
  ::close(fd);
  if (data == MAP_FAILED) return failure(path, code);
  return std::shared_ptr<const mapped_file>(new mapped_file(path, static_cast<const std::byte*>(data), size));
}

mapped_file::~mapped_file() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

}  // namespace catwalk::embed
