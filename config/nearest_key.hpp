#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace catwalk::config {

/// The known word nearest to `written` (letters exchanged, missing, added or swapped; case and `-` for `_`
/// are free), where it is near enough to be a slip; else empty.
std::string nearest_key(std::string_view written, const std::vector<std::string>& known);

/// "did you mean 'concurrency'?", else "known here: a, b, c".
std::string suggestion(std::string_view written, const std::vector<std::string>& known);

}  // namespace catwalk::config
