#pragma once
#include <optional>
#include <string>

#include "core/error.hpp"

namespace catwalk::scrape {

/// Whether a shop has banned this address, or is away: so many refusals (403, 429, challenge pages), or
/// requests without an answer, in a row. No I/O: outcomes in, a verdict out. One per site and run.
class ban_watch {
 public:
  static constexpr int max_in_a_row = 3;

  /// A request has ended, after its retries; `failure` null: well. Gives the error that ends the site's run.
  std::optional<error> after(const error* failure);

  /// What the latest answer showed, where it was a refusal.
  const std::optional<error>& refusal() const noexcept { return refusal_; }

 private:
  int refused_ = 0;
  int unreachable_ = 0;
  std::optional<error> refusal_;
};

}  // namespace catwalk::scrape
