#include "scrape/spool.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace catwalk::scrape {
namespace {

error failure(const char* what) {
  const int code = errno;
  return {code == ENOSPC ? errc::disk_full : errc::io, what, "a temporary file", std::strerror(code),
          code == ENOSPC ? "/tmp needs room for the largest feed or sitemap" : ""};
}

}  // namespace

result<spool> spool::open() {
  spool made;
  made.file_.reset(std::tmpfile());
  if (!made.file_) return failure("cannot put a document aside");
  return made;
}

result<void> spool::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written =
        ::pwrite(::fileno(file_.get()), bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return failure("cannot put a document aside");
    size_ += static_cast<std::size_t>(written);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

void spool::clear() {
  size_ = 0;
}

result<std::string> spool::read(std::size_t offset, std::size_t count) const {
  std::string bytes(offset < size_ ? std::min(count, size_ - offset) : 0, '\0');
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t got =
        ::pread(::fileno(file_.get()), bytes.data() + at, bytes.size() - at, static_cast<off_t>(offset + at));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return failure("cannot read a document that was put aside");
    at += static_cast<std::size_t>(got);
  }
  return bytes;
}

}  // namespace catwalk::scrape
