#pragma once
#include <chrono>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace date {
class time_zone;
}

namespace catwalk {

using std::chrono::sys_seconds;
/// What a clock on the wall shows, without saying where.
using local_seconds = std::chrono::local_seconds;

/// A zone of the IANA time zone database, as the operating system has it. Cheap to copy; the zone itself
/// lives as long as the process.
class time_zone {
 public:
  /// A stretch of time with one offset.
  struct stretch {
    sys_seconds begin;            ///< included
    sys_seconds end;              ///< excluded
    std::chrono::seconds offset;  ///< local minus UTC
  };

  /// For example "Europe/Prague". `not_found` for unknown names, `io` where the database is missing.
  static result<time_zone> find(std::string_view name);
  /// What the machine is set to. `io` where that cannot be told.
  static result<time_zone> of_system();

  const std::string& name() const noexcept;

  stretch at(sys_seconds t) const;
  local_seconds to_local(sys_seconds t) const;
  /// The first time when clocks show `t`; where they skip it, the moment right after the gap.
  sys_seconds to_sys(local_seconds t) const;

  /// "2026-03-29T03:00:00+02:00".
  std::string iso8601(sys_seconds t) const;
  /// Reads "2026-03-29", with "T03:00", "T03:00:00" or a space instead of T, then nothing (time of this
  /// zone), "Z" or
  /// "+02:00". `invalid_argument` otherwise.
  result<sys_seconds> parse(std::string_view text) const;

 private:
  explicit time_zone(const date::time_zone* zone) : zone_(zone) {}

  const date::time_zone* zone_;
};

}  // namespace catwalk
