#pragma once
#include <boost/asio/awaitable.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/site.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "storage/catalogue.hpp"

namespace catwalk::daemon {

/// The sites that a person has paused: the schedule leaves them out until someone resumes them. Kept in the
/// state database, so that a restart forgets none. Loop-only.
class paused_sites {
 public:
  explicit paused_sites(storage::catalogue& catalogue) : catalogue_(catalogue) {}

  /// Reads what was paused before.
  boost::asio::awaitable<result<void>> load();
  /// Pausing a paused site keeps its time.
  boost::asio::awaitable<result<void>> pause(std::string site, wall_time now);
  boost::asio::awaitable<result<void>> resume(std::string site);

  std::optional<wall_time> since(const std::string& site) const;
  /// What a job that reads `wanted` (empty: all of `sites`) reads now; nullopt: every one of them is paused.
  /// As `wanted`, an empty list means all.
  std::optional<std::vector<std::string>> left_of(const std::vector<std::string>& wanted,
                                                  const std::vector<config::site>& sites) const;

 private:
  boost::asio::awaitable<result<void>> save(std::map<std::string, wall_time> changed);

  storage::catalogue& catalogue_;
  std::map<std::string, wall_time> since_;
};

}  // namespace catwalk::daemon
