#include "storage/state_folder.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>

namespace catwalk::storage {
namespace {

/// What whoever may not write there can do: be the folder's owner, or take another folder.
std::string permission_hint(const std::filesystem::path& on) {
  struct stat folder {};
  const auto* owner = ::stat(on.parent_path().c_str(), &folder) == 0 && folder.st_uid != ::geteuid()
                          ? ::getpwuid(folder.st_uid)
                          : nullptr;
  if (owner == nullptr) return "name a folder that this user may write to (the state's is state.dir)";
  const std::string name = owner->pw_name;
  return "the folder is " + name + "'s: run it as `sudo -u " + name +
         " catwalk …`, or name another one (the state's is state.dir)";
}

error system_error_of(int number, std::string what, const std::filesystem::path& on) {
  const bool full = number == ENOSPC || number == EDQUOT;
  error e{full ? errc::disk_full : errc::io, std::move(what), on.string(), std::strerror(number), ""};
  if (full) e.hint = "free some space on that disk";
  if (number == EACCES || number == EPERM) e.hint = permission_hint(on);
  if (number == EROFS) e.hint = "that disk is mounted read-only: name a folder on another one";
  return e;
}

/// A file that root makes in another user's folder is that user's: the service's, which is to go on with it.
void give_to_owner_of_folder(int fd, const std::filesystem::path& file) noexcept {
  struct stat folder {};
  if (::geteuid() != 0 || ::stat(file.parent_path().c_str(), &folder) != 0 || folder.st_uid == 0) return;
  if (::fchown(fd, folder.st_uid, folder.st_gid) != 0)
    spdlog::warn("{} stays root's, which its folder is not: {}", file.string(), std::strerror(errno));
}

std::string holder_of(int fd) {
  char text[32] = {};
  const auto got = ::pread(fd, text, sizeof text - 1, 0);
  std::string pid(text, got > 0 ? static_cast<std::size_t>(got) : 0);
  while (!pid.empty() && (pid.back() < '0' || pid.back() > '9')) pid.pop_back();
  if (pid.empty()) return "another process";
  std::ifstream file("/proc/" + pid + "/comm");
  std::string command;
  std::getline(file, command);
  return "process " + pid + (command.empty() ? "" : " (" + command + ")");
}

}  // namespace

result<folder_lock> folder_lock::take(const std::filesystem::path& dir) {
  const auto file = dir / "catwalk.lock";
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return system_error_of(errno, "cannot open the lock file", file);
  folder_lock lock(fd);
  give_to_owner_of_folder(fd, file);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return system_error_of(errno, "cannot lock the state folder", file);
    return error{errc::state_locked, "cannot open the state folder", dir.string(),
                 holder_of(fd) + " holds it",
                 "stop that process, or give this one another folder (state.dir)"};
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, pid.data(), pid.size(), 0) < 0)
    return system_error_of(errno, "cannot write the lock file", file);
  return lock;
}

folder_lock::~folder_lock() {
  if (fd_ >= 0) ::close(fd_);
}
folder_lock::folder_lock(folder_lock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
folder_lock& folder_lock::operator=(folder_lock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

ballast::ballast(const std::filesystem::path& dir) : file_(dir / "ballast") {}

bool ballast::fill(std::uint64_t keep_free) noexcept {
  struct stat s {};
  if (::stat(file_.c_str(), &s) == 0 && static_cast<std::uint64_t>(s.st_size) >= size) return true;
  if (free_bytes(file_.parent_path()) < keep_free + size) return false;
  const int fd = ::open(file_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  give_to_owner_of_folder(fd, file_);
  const bool allocated = ::posix_fallocate(fd, 0, static_cast<off_t>(size)) == 0;
  ::close(fd);
  if (!allocated) ::unlink(file_.c_str());
  return allocated;
}

bool ballast::give_up() noexcept {
  return ::unlink(file_.c_str()) == 0;
}

result<void> make_state_folder(const std::filesystem::path& dir) {
  std::error_code failed;
  if (std::filesystem::is_directory(dir, failed)) return {};
  if (dir.has_parent_path()) std::filesystem::create_directories(dir.parent_path(), failed);
  if (::mkdir(dir.c_str(), 0700) != 0 && errno != EEXIST)
    return system_error_of(errno, "cannot make the state folder", dir);
  if (!std::filesystem::is_directory(dir, failed))
    return system_error_of(ENOTDIR, "cannot make the state folder", dir);
  return {};
}

result<void> make_private_file(const std::filesystem::path& file) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return system_error_of(errno, "cannot make the file", file);
  give_to_owner_of_folder(fd, file);
  ::close(fd);
  return {};
}

void share_with_group_of_folder(const std::filesystem::path& file) noexcept {
  struct stat folder {};
  if (::stat(file.parent_path().c_str(), &folder) != 0) return;
  const auto group = (folder.st_mode & S_IRGRP) != 0 && (folder.st_mode & S_IXGRP) != 0 ? S_IRGRP : 0;
  ::chmod(file.c_str(), S_IRUSR | S_IWUSR | group);
}

result<void> sync_to_disk(const std::filesystem::path& file_or_dir) {
  const int fd = ::open(file_or_dir.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return system_error_of(errno, "cannot open", file_or_dir);
  const int rc = ::fsync(fd);
  const int number = errno;
  ::close(fd);
  if (rc != 0) return system_error_of(number, "cannot write to the disk", file_or_dir);
  return {};
}

std::map<int, std::filesystem::path> numbered_copies(const std::filesystem::path& file,
                                                     const std::string& mark) {
  const auto prefix = file.filename().string() + mark;
  std::map<int, std::filesystem::path> copies;
  std::error_code failed;
  for (auto entry = std::filesystem::directory_iterator(file.parent_path(), failed);
       !failed && entry != std::filesystem::directory_iterator(); entry.increment(failed)) {
    const auto name = entry->path().filename().string();
    if (!name.starts_with(prefix)) continue;
    int number = 0;
    const auto [end, wrong] = std::from_chars(name.data() + prefix.size(), name.data() + name.size(), number);
    if (wrong == std::errc() && end == name.data() + name.size()) copies[number] = entry->path();
  }
  return copies;
}

std::uint64_t free_bytes(const std::filesystem::path& dir) noexcept {
  struct statvfs s {};
  if (::statvfs(dir.c_str(), &s) != 0) return 0;
  return static_cast<std::uint64_t>(s.f_bavail) * s.f_frsize;
}

}  // namespace catwalk::storage
