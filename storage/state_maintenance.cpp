#include "storage/state_maintenance.hpp"

#include <unistd.h>

#include <cstring>
#include <optional>

#include "storage/sqlite.hpp"
#include "storage/state_folder.hpp"
#include "storage/state_schema.hpp"
#include "storage/vector_blob.hpp"

namespace catwalk::storage {
namespace {

namespace fs = std::filesystem;

constexpr const char* database_name = "catwalk.sqlite3";
constexpr std::size_t most_problems = 100;

void add(state_findings& found, std::string problem) {
  if (found.problems.size() < most_problems) found.problems.push_back(std::move(problem));
}

/// SQLite's own check of a file.
void check_integrity(sqlite::connection& db, state_findings& found) {
  auto check = db.prepare("pragma integrity_check(100)");
  while (check.step())
    if (const auto line = check.text(0); line != "ok") add(found, line);
}

void check_vectors(sqlite::connection& db, state_findings& found) {
  auto rows = db.prepare(
      "select url, vector, crc32c from images where vector is not null union all select 'the text ' || hash, "
      "vector, crc32c from texts");
  while (rows.step()) {
    ++found.vectors;
    const auto blob = rows.blob(1);
    if (!from_blob(blob) || crc32c(blob) != static_cast<std::uint32_t>(rows.integer(2)))
      add(found, "the vector of " + rows.text(0) + " is not what was stored");
  }
}

std::int64_t count(sqlite::connection& db, const char* what) {
  auto s = db.prepare(what);
  return s.step() ? s.integer(0) : 0;
}

/// That this catwalk knows the database's version.
result<void> check_version(sqlite::connection& db, const fs::path& file, const char* what) {
  const auto version = count(db, "pragma user_version");
  if (version <= static_cast<std::int64_t>(state_migrations().size())) return {};
  return error{errc::state_newer, what, file.string(),
               "it has version " + std::to_string(version) + ", this catwalk knows up to " +
                   std::to_string(state_migrations().size()),
               "use the catwalk that made it"};
}

/// That a file is a state database which this catwalk reads, and whole.
result<void> check_copy(const fs::path& file) try {
  sqlite::connection db(file, sqlite::connection::mode::read_only);
  const auto id = count(db, "pragma application_id");
  if (id != state_application_id)
    return error{errc::state_damaged, "this is no backup of the state", file.string(),
                 "it is an SQLite database, but not one of catwalk's", ""};
  if (auto known = check_version(db, file, "cannot use the backup"); !known) return known;
  state_findings found;
  check_integrity(db, found);
  check_vectors(db, found);
  if (found.problems.empty()) return {};
  return error{errc::state_damaged, "the backup is damaged", file.string(), found.problems.front(),
               "use another one"};
} catch (const sqlite::failure& f) {
  if (f.damaged())
    return error{errc::state_damaged, "this is no backup of the state", file.string(), f.what(), ""};
  return sqlite::to_error(f, "cannot read the backup", file.string());
}

result<void> move_file(const fs::path& from, const fs::path& to) {
  std::error_code failed;
  fs::rename(from, to, failed);
  if (failed) return error{errc::io, "cannot rename", from.string(), failed.message(), ""};
  return sync_to_disk(to.has_parent_path() ? to.parent_path() : fs::path("."));
}

/// What SQLite leaves beside a copy that it has read.
void remove_logs_of(const fs::path& copy) {
  std::error_code ignored;
  for (const char* part : {"-wal", "-shm"}) fs::remove(copy.string() + part, ignored);
}

/// A name that no file has yet: FILE.replaced-1, FILE.replaced-2 …; the highest is the latest.
fs::path unused_name(const fs::path& file) {
  const auto copies = numbered_copies(file, ".replaced-");
  const int latest = copies.empty() ? 0 : copies.rbegin()->first;
  return file.string() + ".replaced-" + std::to_string(latest + 1);
}

}  // namespace

result<fs::path> find_state(const fs::path& state_dir) {
  const auto file = state_dir / database_name;
  std::error_code failed;
  if (fs::exists(file, failed)) return file;
  return error{failed ? errc::io : errc::not_found, "cannot open the state database", file.string(),
               failed ? failed.message() : "there is none", "name the right folder (state.dir)"};
}

result<void> back_up_state(const fs::path& state_dir, const fs::path& to) {
  const auto file = find_state(state_dir);
  if (!file) return file.error();
  std::error_code failed;
  if (fs::exists(to, failed))
    return error{errc::invalid_argument, "refusing to overwrite", to.string(), "the file exists",
                 "choose another name"};
  const fs::path unfinished = to.string() + ".unfinished";
  if (auto made = make_private_file(unfinished); !made) return made.error();
  auto copied = [&]() -> result<void> {
    try {
      sqlite::connection db(*file, sqlite::connection::mode::read_only);
      db.back_up_to(unfinished);
    } catch (const sqlite::failure& f) {
      return sqlite::to_error(f, "cannot back up the state database", file->string());
    }
    auto whole = check_copy(unfinished);
    remove_logs_of(unfinished);
    if (!whole) return whole;
    if (auto synced = sync_to_disk(unfinished); !synced) return synced;
    return move_file(unfinished, to);
  }();
  if (!copied) fs::remove(unfinished, failed);
  return copied;
}

result<fs::path> restore_state(const fs::path& from, const fs::path& state_dir) {
  std::error_code failed;
  if (!fs::exists(from, failed))
    return error{errc::not_found, "cannot restore the state", from.string(), "there is no such file", ""};
  if (auto whole = check_copy(from); !whole) return whole.error();
  if (auto made = make_state_folder(state_dir); !made) return made.error();
  const auto lock = folder_lock::take(state_dir);
  if (!lock) return lock.error();

  const auto file = state_dir / database_name;
  const fs::path unfinished = file.string() + ".restored";
  if (auto made = make_private_file(unfinished); !made) return made.error();
  try {
    // Not a copy of the file: the backup may itself have a write-ahead log beside it.
    sqlite::connection(from, sqlite::connection::mode::read_only).back_up_to(unfinished);
  } catch (const sqlite::failure& f) {
    fs::remove(unfinished, failed);
    return sqlite::to_error(f, "cannot restore the state database", from.string());
  }
  if (auto synced = sync_to_disk(unfinished); !synced) return synced.error();
  fs::path before;
  if (fs::exists(file, failed)) {
    before = unused_name(file);
    // The log belongs to its database: it goes along first, so that no moment sees it with another one.
    for (const char* part : {"-wal", "-shm", ""}) {
      const fs::path own = file.string() + part;
      if (!fs::exists(own, failed)) continue;
      if (auto moved = move_file(own, before.string() + part); !moved) return moved.error();
    }
  }
  if (auto placed = move_file(unfinished, file); !placed) return placed.error();
  return before;
}

result<state_findings> check_state(const fs::path& state_dir) {
  const auto file = find_state(state_dir);
  if (!file) return file.error();
  try {
    sqlite::connection db(*file, sqlite::connection::mode::read_only);
    if (auto known = check_version(db, *file, "cannot check the state"); !known) return known.error();
    state_findings found;
    check_integrity(db, found);
    check_vectors(db, found);
    found.products = count(db, "select count(*) from products where gone_at is null");
    return found;
  } catch (const sqlite::failure& f) {
    auto e = sqlite::to_error(f, "cannot read the state database", file->string());
    e.hint = "keep a copy of the folder, then restore a backup with `catwalk state restore`";
    return e;
  }
}

}  // namespace catwalk::storage
