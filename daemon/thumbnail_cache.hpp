#pragma once
#include <cstdint>
#include <filesystem>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/error.hpp"

namespace catwalk::daemon {

/// Decides what a bounded cache gives up: whatever was used longest ago. No I/O.
class eviction_order {
 public:
  explicit eviction_order(std::uint64_t most_bytes) : most_(most_bytes) {}
  /// Adds an entry as the latest, or replaces it; the names to give up for it. One that is larger than the
  /// whole cache is given up itself.
  std::vector<std::string> add(const std::string& name, std::uint64_t bytes);
  /// Makes the entry the latest; false: it is not there.
  bool use(const std::string& name);
  void remove(const std::string& name);
  std::uint64_t bytes() const noexcept { return held_; }
  std::size_t size() const noexcept { return by_use_.size(); }

 private:
  struct entry {
    std::string name;
    std::uint64_t bytes;
  };
  const std::uint64_t most_;
  std::uint64_t held_ = 0;
  std::list<entry> by_use_;  ///< the latest first
  std::unordered_map<std::string, std::list<entry>::iterator> by_name_;
};

/// Thumbnails in files, `most_bytes` of them at most. What was used when outlives the process by the files'
/// times. Blocking, and not thread-safe: one task at a time. A cache that cannot be read or written is as
/// good as an empty one: pictures are then made anew.
class thumbnail_cache {
 public:
  thumbnail_cache(std::filesystem::path folder, std::uint64_t most_bytes);

  /// Learns what an earlier process left. Call it once, first.
  void open();
  /// By the picture's address.
  std::optional<std::string> find(const std::string& address);
  void add(const std::string& address, const std::string& bytes);

  std::uint64_t bytes() const noexcept { return order_.bytes(); }

 private:
  std::filesystem::path path_of(const std::string& name) const;

  const std::filesystem::path folder_;
  eviction_order order_;
};

}  // namespace catwalk::daemon
