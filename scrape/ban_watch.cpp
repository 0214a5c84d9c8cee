#include "scrape/ban_watch.hpp"

namespace catwalk::scrape {

std::optional<error> ban_watch::after(const error* failure) {
  const bool refused = failure && failure->code == errc::blocked;
  const bool unreachable = failure && (failure->code == errc::network || failure->code == errc::timeout);
  refused_ = refused ? refused_ + 1 : 0;
  unreachable_ = unreachable ? unreachable_ + 1 : 0;
  refusal_ = refused ? std::optional(*failure) : std::nullopt;
  if (refused_ < max_in_a_row && unreachable_ < max_in_a_row) return std::nullopt;
  error ended = *failure;
  ended.what = refused ? "the shop refuses catwalk: " + std::to_string(refused_) + " refusals in a row"
                       : "the shop cannot be reached: " + std::to_string(unreachable_) + " requests in a row";
  return ended;
}

}  // namespace catwalk::scrape
