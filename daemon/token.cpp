#include "daemon/token.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "core/file.hpp"

namespace catwalk::daemon {

namespace {

error file_error(const char* what, const std::filesystem::path& file) {
  const int number = errno;
  return {number == ENOSPC ? errc::disk_full : errc::io, what, file.string(), std::strerror(number),
          "check the state folder's permissions, or set http.token"};
}

/// Written under another name and linked: the file is whole or not there, and of two processes one wins.
result<void> write_new(const std::filesystem::path& file, const std::string& text) {
  const auto unfinished = file.string() + ".new";
  ::unlink(unfinished.c_str());
  const int fd = ::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return file_error("cannot keep the API's token", unfinished);
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const bool synced = written && ::fsync(fd) == 0;
  const bool closed = ::close(fd) == 0;
  if (!synced || !closed) return file_error("cannot keep the API's token", unfinished);
  const bool linked = ::link(unfinished.c_str(), file.c_str()) == 0 || errno == EEXIST;
  const auto failed = linked ? error{} : file_error("cannot keep the API's token", file);
  ::unlink(unfinished.c_str());
  if (!linked) return failed;
  return {};
}

result<config::secret> read_token(const std::filesystem::path& file) {
  auto text = read_file(file);
  if (!text) return text.error();
  while (!text->empty() && (text->back() == '\n' || text->back() == '\r' || text->back() == ' '))
    text->pop_back();
  if (text->empty())
    return error{errc::io, "cannot read the API's token", file.string(), "the file is empty",
                 "delete it: the daemon makes a new one at its next start"};
  return config::secret(std::move(*text));
}

}  // namespace

std::filesystem::path token_file(const std::filesystem::path& state_dir) {
  return state_dir / "http.token";
}

result<config::secret> load_or_make_token(const config::secret& configured,
                                          const std::filesystem::path& state_dir) {
  if (!configured.empty()) return configured;
  const auto file = token_file(state_dir);
  auto kept = read_token(file);
  if (kept || kept.error().code != errc::not_found) return kept;
  const auto made = make_token();
  if (!made) return made.error();
  if (auto written = write_new(file, made->reveal() + "\n"); !written) return written.error();
  return read_token(file);
}

result<config::secret> load_token(const config::secret& configured, const std::filesystem::path& state_dir) {
  if (!configured.empty()) return configured;
  auto kept = read_token(token_file(state_dir));
  if (kept) return kept;
  auto e = kept.error();
  e.what = "cannot read the API's token";
  e.hint = e.code == errc::not_found ? "`catwalk run` makes it at its first start, or set http.token"
                                     : "run this as the user of the daemon, or as root";
  return e;
}

}  // namespace catwalk::daemon
