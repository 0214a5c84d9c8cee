#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace catwalk::storage {

/// Decides which of the products that a run no longer saw may leave the sink. Does no I/O.
///
/// A product counts as gone once `after_missed_runs` complete runs in a row have missed it. Of one site and
/// country at most `max_delete_fraction` of the rows may go at once; a site with fewer than `min_rows` rows
/// counts as having so many, so that one sold-out product of three does not raise an alarm. More go only
/// where a person has said the exact number.
class sync_guard {
 public:
  struct settings {
    double max_delete_fraction = 0.3;
    int min_rows = 20;
    int after_missed_runs = 1;
  };
  /// `allowed`: the number of deletes of this site that a person has permitted; any other number permits
  /// nothing more.
  explicit sync_guard(settings s, std::optional<std::int64_t> allowed = std::nullopt)
      : settings_(s), allowed_(allowed) {}

  /// Whether a product is gone that the latest `missed` complete runs have not seen.
  bool counts_as_gone(std::int64_t missed) const noexcept { return missed >= settings_.after_missed_runs; }

  /// A site's rows in one country, and how many of them are gone.
  struct scope {
    std::string country;
    std::int64_t rows = 0;  ///< those that are gone among them
    std::int64_t gone = 0;
  };
  /// The most rows of a scope that may go without anyone's leave.
  std::int64_t most(const scope& s) const noexcept;

  struct decision {
    std::vector<bool> permitted;  ///< by scope, in the order of the question
    std::int64_t gone = 0;        ///< over all scopes: the number that permits them
    std::int64_t held_back = 0;   ///< rows that stay because their scope is not permitted
  };
  /// For one site.
  decision decide(const std::vector<scope>& scopes) const;

 private:
  settings settings_;
  std::optional<std::int64_t> allowed_;
};

}  // namespace catwalk::storage
