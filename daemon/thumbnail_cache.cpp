#include "daemon/thumbnail_cache.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <fstream>

#include "core/file.hpp"
#include "core/sha256.hpp"

namespace catwalk::daemon {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view ending = ".webp", draft_ending = ".new";

std::string name_for(const std::string& address) {
  return sha256_hex(address).substr(0, 40);
}

}  // namespace

std::vector<std::string> eviction_order::add(const std::string& name, std::uint64_t bytes) {
  remove(name);
  by_use_.push_front({name, bytes});
  by_name_[name] = by_use_.begin();
  held_ += bytes;
  std::vector<std::string> given_up;
  while (held_ > most_) {
    given_up.push_back(by_use_.back().name);
    remove(given_up.back());
  }
  return given_up;
}

bool eviction_order::use(const std::string& name) {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return false;
  by_use_.splice(by_use_.begin(), by_use_, found->second);
  return true;
}

void eviction_order::remove(const std::string& name) {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return;
  held_ -= found->second->bytes;
  by_use_.erase(found->second);
  by_name_.erase(found);
}

thumbnail_cache::thumbnail_cache(fs::path folder, std::uint64_t most_bytes)
    : folder_(std::move(folder)), order_(most_bytes) {}

fs::path thumbnail_cache::path_of(const std::string& name) const {
  return folder_ / (name + std::string(ending));
}

void thumbnail_cache::open() {
  struct kept {
    std::string name;
    std::uint64_t bytes;
    fs::file_time_type used;
  };
  std::vector<kept> files;
  std::error_code failed;
  fs::create_directories(folder_, failed);
  for (fs::directory_iterator at(folder_, failed), end; !failed && at != end; at.increment(failed)) {
    const auto& path = at->path();
    std::error_code ignored;
    if (path.extension() == draft_ending)
      fs::remove(path, ignored);  // a process ended while it wrote it
    else if (path.extension() == ending)
      files.push_back({path.stem().string(), at->file_size(ignored), at->last_write_time(ignored)});
  }
  if (failed) spdlog::warn("the thumbnails in {} cannot be kept: {}", folder_.string(), failed.message());
  std::sort(files.begin(), files.end(), [](const kept& a, const kept& b) { return a.used < b.used; });
  for (const auto& file : files)
    for (const auto& name : order_.add(file.name, file.bytes)) fs::remove(path_of(name), failed);
}

std::optional<std::string> thumbnail_cache::find(const std::string& address) {
  const auto name = name_for(address);
  if (!order_.use(name)) return std::nullopt;
  auto bytes = read_file(path_of(name));
  if (!bytes || bytes->empty()) {
    order_.remove(name);
    return std::nullopt;
  }
  std::error_code ignored;
  fs::last_write_time(path_of(name), fs::file_time_type::clock::now(), ignored);
  return std::move(*bytes);
}

void thumbnail_cache::add(const std::string& address, const std::string& bytes) {
  const auto name = name_for(address);
  const auto draft = folder_ / (name + std::string(draft_ending));
  std::ofstream out(draft, std::ios::binary | std::ios::trunc);
  out << bytes;
  out.close();
  std::error_code failed;
  if (out) fs::rename(draft, path_of(name), failed);
  if (!out || failed) {
    fs::remove(draft, failed);
    return;
  }
  for (const auto& given_up : order_.add(name, bytes.size())) fs::remove(path_of(given_up), failed);
}

}  // namespace catwalk::daemon
