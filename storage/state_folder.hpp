#pragma once
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "core/error.hpp"

namespace catwalk::storage {

/// The lock that says which process writes to a state folder: an exclusive `flock` on `catwalk.lock`, which
/// holds that process's id. The kernel gives it up when the process ends, however it ends.
class folder_lock {
 public:
  /// Errors: `state_locked` (with the holder), `io`.
  static result<folder_lock> take(const std::filesystem::path& dir);
  ~folder_lock();
  folder_lock(folder_lock&& other) noexcept;
  folder_lock& operator=(folder_lock&& other) noexcept;

 private:
  explicit folder_lock(int fd) : fd_(fd) {}
  int fd_ = -1;
};

/// 16 MB of disk kept back: SQLite in WAL mode needs space even to delete, so a full disk gives this up
/// first. Thread-safe.
class ballast {
 public:
  static constexpr std::uint64_t size = 16'000'000;
  explicit ballast(const std::filesystem::path& dir);
  /// Makes the file when it is missing and `keep_free` bytes would remain. False when there is none now.
  bool fill(std::uint64_t keep_free) noexcept;
  /// Deletes the file; false when there was none.
  bool give_up() noexcept;

 private:
  std::filesystem::path file_;
};

/// Makes the folder, readable by its owner alone, when it does not exist. Error: `io`.
result<void> make_state_folder(const std::filesystem::path& dir);
/// Makes an empty file that its owner alone can read. Error: `io`, `disk_full`.
result<void> make_private_file(const std::filesystem::path& file);
/// Lets the folder's group read the file where it may read the folder (a service's state folder is 0750), and
/// nobody else.
void share_with_group_of_folder(const std::filesystem::path& file) noexcept;
/// Writes a file's data and its folder's entry to the disk. Error: `io`, `disk_full`.
result<void> sync_to_disk(const std::filesystem::path& file_or_dir);
/// The files beside `file` whose names are its own, `mark` and a number, by number. None where the folder
/// cannot be read.
std::map<int, std::filesystem::path> numbered_copies(const std::filesystem::path& file,
                                                     const std::string& mark);
/// Bytes that an ordinary user can still write; 0 when the folder cannot be asked.
std::uint64_t free_bytes(const std::filesystem::path& dir) noexcept;

}  // namespace catwalk::storage
