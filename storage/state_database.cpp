#include "storage/state_database.hpp"

#include <optional>
#include <utility>

#include "storage/state_folder.hpp"
#include "storage/state_operations.hpp"
#include "storage/state_schema.hpp"

namespace catwalk::storage {
namespace {

namespace fs = std::filesystem;

error damaged(const fs::path& file, std::string why) {
  return {errc::state_damaged, "cannot open the state database", file.string(), std::move(why),
          "keep a copy of the folder, then put a backup in its place or move the folder "
          "away to start "
          "anew; catwalk does not start over by itself"};
}

/// Makes the database under another name and renames it when it is whole, so that an empty or short file
/// under the real name is always damage and never a birth that was interrupted.
result<void> create(const fs::path& file) {
  const fs::path unfinished = file.string() + ".new";
  std::error_code ignored;
  fs::remove(unfinished.string() + "-journal", ignored);
  if (auto made = make_private_file(unfinished); !made) return made.error();
  try {
    sqlite::connection db(unfinished, sqlite::connection::mode::read_write);
    // Of 4 KB, SQLite's own choice, a vector or a product with its description takes a page each, half empty.
    db.execute("pragma page_size=8192");
    if (auto migrated = migrate(db, unfinished, state_migrations()); !migrated) return migrated.error();
  } catch (const sqlite::failure& f) {
    return sqlite::to_error(f, "cannot create the state database", file.string());
  }
  if (auto synced = sync_to_disk(unfinished); !synced) return synced.error();
  std::error_code failed;
  fs::rename(unfinished, file, failed);
  if (failed) return error{errc::io, "cannot create the state database", file.string(), failed.message(), ""};
  return sync_to_disk(file.parent_path());
}

/// The checks before an existing file is trusted.
result<void> check(const fs::path& file, bool read_only) try {
  std::error_code failed;
  if (const auto size = fs::file_size(file, failed); failed || size == 0)
    return damaged(file, failed ? failed.message() : "the file is empty");
  sqlite::connection db(
      file, read_only ? sqlite::connection::mode::read_only : sqlite::connection::mode::read_write);
  if (read_only) {
    auto version = db.prepare("pragma user_version");
    version.step();
    const auto have = version.integer(0);
    const auto want = static_cast<std::int64_t>(state_migrations().size());
    if (have < want)
      return error{errc::database, "cannot open the state database", file.string(),
                   "it is of an older version",
                   "run catwalk with write access once (catwalk run or catwalk scrape)"};
    return migrate(db, file, state_migrations());
  }
  {
    auto quick = db.prepare("pragma quick_check(1)");
    if (quick.step() && quick.text(0) != "ok") return damaged(file, quick.text(0));
  }
  return migrate(db, file, state_migrations());
} catch (const sqlite::failure& f) {
  if (f.damaged()) return damaged(file, f.what());
  return sqlite::to_error(f, "cannot open the state database", file.string());
}

}  // namespace

result<std::shared_ptr<state_database>> state_database::open(const state_options& options) {
  const fs::path file = options.dir / "catwalk.sqlite3";
  std::error_code failed;
  const bool exists = fs::exists(file, failed);
  if (failed == std::errc::permission_denied)
    return error{
        errc::io, "cannot open the state database", file.string(), failed.message(),
        "members of its folder's group may read it (`sudo usermod -aG catwalk $USER`, then log in again), "
        "or use sudo"};
  if (options.read_only && !exists)
    return error{errc::not_found, "cannot open the state database", file.string(), "there is none",
                 "run catwalk scrape or catwalk run first, or name the right folder (state.dir)"};
  std::optional<folder_lock> lock;
  if (!options.read_only) {
    if (auto made = make_state_folder(options.dir); !made) return made.error();
    auto taken = folder_lock::take(options.dir);
    if (!taken) return taken.error();
    lock.emplace(std::move(*taken));
  }
  if (!exists) {
    if (fs::exists(file.string() + "-wal", failed))
      return damaged(file, "the write-ahead log is there, the database is not");
    if (auto created = create(file); !created) return created.error();
  }
  // SQLite makes its own files with the database's mode; those of an earlier process have an earlier one.
  if (!options.read_only)
    for (const char* ending : {"", "-wal", "-shm"}) share_with_group_of_folder(file.string() + ending);
  if (auto sound = check(file, options.read_only); !sound) return sound.error();
  auto inner = std::make_unique<impl>(options, file);
  if (auto started = inner->start(std::move(lock)); !started) return started.error();
  return std::shared_ptr<state_database>(new state_database(std::move(inner)));
}

state_database::state_database(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
state_database::~state_database() = default;

const std::filesystem::path& state_database::dir() const noexcept {
  return impl_->options().dir;
}
bool state_database::intake_paused() const noexcept {
  return impl_->intake_paused();
}
void state_database::close() {
  impl_->close();
}

}  // namespace catwalk::storage
