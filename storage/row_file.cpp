#include "storage/row_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "core/json_text.hpp"
#include "storage/csv_line.hpp"
#include "storage/vector_text.hpp"

namespace catwalk::storage {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

static_assert(std::endian::native == std::endian::little,
              "the file of vectors is written as it lies in memory");

/// Returns errno.
int write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto n = ::write(fd, text.data(), text.size());
    if (n >= 0)
      text.remove_prefix(static_cast<std::size_t>(n));
    else if (errno != EINTR)
      return errno;
  }
  return 0;
}

/// Appends all of `text` and waits for the disk; takes back what a failure left half written. Returns errno.
int append(const fs::path& file, const std::string& text) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) return errno;
  struct stat before {};
  int problem = ::fstat(fd, &before) == 0 ? 0 : errno;
  if (problem == 0) problem = write_all(fd, text);
  if (problem == 0 && ::fdatasync(fd) != 0) problem = errno;
  if (problem != 0 && S_ISREG(before.st_mode) && ::ftruncate(fd, before.st_size) != 0) problem = errno;
  ::close(fd);
  return problem;
}

fs::path with(const fs::path& file, const char* ending) {
  return file.string() + ending;
}

/// Makes a rename last.
void sync_folder(const fs::path& file) {
  const auto folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  static_cast<void>(::fsync(fd));
  ::close(fd);
}

}  // namespace

/// What the file and its journal hold, by key: where the lines of a key are, so that memory is a few bytes a
/// row.
class row_file::rows {
 public:
  explicit rows(const form& f) : form_(f) {}

  /// Errors: `malformed`.
  result<void> index(const fs::path& file, bool may_break_off) {
    auto& in = files_.emplace_back(file, std::ios::binary);
    std::string line;
    for (std::streamoff at = 0; std::getline(in, line); at = in.tellg()) {
      const bool broken_off = in.eof();
      const auto row = json::parse(line, nullptr, false);
      if (!row.is_object()) {
        // What a crash left half written was never acknowledged.
        if (may_break_off && broken_off) break;
        return error{errc::malformed, "cannot read a row", file.string(), "at byte " + std::to_string(at),
                     "move the file away: the rows are sent again with sink.path changed"};
      }
      note(key_of(row), {files_.size() - 1, at}, row.value("deleted", false));
      if (broken_off) break;
    }
    in.clear();
    return {};
  }

  /// Every row, in the order in which its key first came.
  void each(const std::function<void(const std::string& key, const json& row)>& take) {
    for (const auto& key : order_) {
      const auto found = places_.find(key);
      if (found == places_.end()) continue;
      json row = json::object();
      for (const auto& place : found->second) row.update(read(place));
      take(key, row);
    }
  }

 private:
  struct location {
    std::size_t file;
    std::streamoff at;
  };
  std::string key_of(const json& row) const {
    std::string key;
    for (const auto& name : form_.key) {
      const auto value = row.value(name, json());
      key += (key.empty() ? "" : "\t") + (value.is_string() ? value.get<std::string>() : value.dump());
    }
    return key;
  }
  void note(const std::string& key, location where, bool deleted) {
    const auto found = places_.find(key);
    if (deleted) {
      if (found != places_.end()) places_.erase(found);
      return;
    }
    if (found == places_.end()) {
      // A key that was removed and came back is at its first place already.
      if (seen_.insert(key).second) order_.push_back(key);
      places_[key].push_back(where);
    } else {
      found->second.push_back(where);
    }
  }
  json read(const location& p) {
    auto& in = files_[p.file];
    in.clear();
    in.seekg(p.at);
    std::string line;
    std::getline(in, line);
    auto row = json::parse(line, nullptr, false);
    return row.is_object() ? row : json::object();
  }

  const form& form_;
  std::vector<std::ifstream> files_;
  std::vector<std::string> order_;
  std::set<std::string> seen_;
  std::map<std::string, std::vector<location>> places_;
};

row_file::row_file(fs::path file, form f) : file_(std::move(file)), form_(std::move(f)) {
  store_ = file_.extension() == ".jsonl" ? file_ : with(file_, ".jsonl");
  journal_ = with(file_, ".journal");
}

error row_file::failure(const fs::path& file, int problem) const {
  const bool full = problem == ENOSPC || problem == EDQUOT;
  return {full ? errc::disk_full : errc::io, "cannot write the sink's file", file.string(),
          std::strerror(problem), "check sink.path"};
}

result<void> row_file::add(const std::string& lines) {
  if (const int problem = append(journal_, lines)) return failure(journal_, problem);
  return {};
}

bool row_file::unsettled() const {
  std::error_code none;
  const auto size = fs::file_size(journal_, none);
  return !none && size > 0;
}

result<void> row_file::settle() {
  rows all(form_);
  if (auto read = all.index(store_, false); !read) return read;
  if (auto read = all.index(journal_, true); !read) return read;
  if (auto done = replace(store_, all, &row_file::write_jsonl); !done) return done;
  if (file_.extension() == ".csv")
    if (auto done = replace(file_, all, &row_file::write_csv); !done) return done;
  if (file_.extension() == ".npy") {
    if (auto done = replace(with(file_, ".ids.txt"), all, &row_file::write_ids); !done) return done;
    if (auto done = replace(file_, all, &row_file::write_npy); !done) return done;
  }
  if (::truncate(journal_.c_str(), 0) != 0 && errno != ENOENT) return failure(journal_, errno);
  return {};
}

result<void> row_file::replace(const fs::path& target, rows& all,
                               void (row_file::*write)(rows&, int&, int) const) const {
  const auto temporary = with(target, ".new");
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return failure(temporary, errno);
  int problem = 0;
  (this->*write)(all, problem, fd);
  if (problem == 0 && ::fsync(fd) != 0) problem = errno;
  ::close(fd);
  // The index still reads the old file, which stays until the last reader has closed it.
  if (problem == 0 && ::rename(temporary.c_str(), target.c_str()) != 0) problem = errno;
  if (problem != 0) {
    ::unlink(temporary.c_str());
    return failure(target, problem);
  }
  sync_folder(target);
  return {};
}

void row_file::write_jsonl(rows& all, int& problem, int descriptor) const {
  all.each([&](const std::string&, const json& row) {
    if (problem == 0) problem = write_all(descriptor, json_text(row) + "\n");
  });
}

void row_file::write_csv(rows& all, int& problem, int descriptor) const {
  problem = write_all(descriptor, csv_header(form_.columns));
  all.each([&](const std::string&, const json& row) {
    if (problem == 0) problem = write_all(descriptor, csv_line(form_.columns, row));
  });
}

namespace {

/// The vector of a row; empty where it has none.
std::vector<float> vector_of(const json& row, const std::string& column) {
  std::vector<float> values;
  const auto found = row.find(column);
  if (found == row.end() || !found->is_array()) return values;
  for (const auto& number : *found)
    if (number.is_number()) values.push_back(number.get<float>());
  return values;
}

}  // namespace

void row_file::write_ids(rows& all, int& problem, int descriptor) const {
  all.each([&](const std::string& key, const json& row) {
    if (problem == 0 && !vector_of(row, form_.vector).empty()) problem = write_all(descriptor, key + "\n");
  });
}

/// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html, version 1.0.
void row_file::write_npy(rows& all, int& problem, int descriptor) const {
  std::size_t count = 0, width = 0;
  all.each([&](const std::string&, const json& row) {
    const auto values = vector_of(row, form_.vector);
    if (values.empty()) return;
    width = values.size();
    ++count;
  });
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(count) + ", " +
                       std::to_string(width) + "), }";
  constexpr std::size_t preamble = 10;
  header.resize((preamble + header.size() + 1 + 63) / 64 * 64 - preamble - 1, ' ');
  header += '\n';
  std::string start("\x93NUMPY\x01\x00", 8);
  start += static_cast<char>(header.size() & 0xFF);
  start += static_cast<char>(header.size() >> 8);
  problem = write_all(descriptor, start + header);
  all.each([&](const std::string&, const json& row) {
    const auto values = vector_of(row, form_.vector);
    if (problem != 0 || values.empty()) return;
    problem =
        write_all(descriptor, {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)});
  });
}

}  // namespace catwalk::storage
