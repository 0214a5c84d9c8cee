#pragma once
#include <string>
#include <vector>

namespace catwalk::config {

/// Where a value was written. `line` and `column` count from 1; 0: the whole file, or no file (environment,
/// flag).
struct place {
  std::string file;
  int line = 0;
  int column = 0;
};

/// "file:line:column", leaving out what is not known.
std::string to_string(const place& p);

/// Something wrong with the configuration. A configuration with an `error` is not used; a `warning` is shown.
struct problem {
  enum class level { warning, error };
  level severity = level::error;
  place where;
  std::string what;
  std::string hint;  ///< "did you mean 'concurrency'?"; may be empty
};

/// "file:line:column: what; hint"
std::string to_string(const problem& p);

using problems = std::vector<problem>;
bool has_errors(const problems& list) noexcept;

/// A text that another library parses later (an expression), with its place, so that its owner's errors point
/// there.
struct located_text {
  std::string text;
  place where;
};

}  // namespace catwalk::config
