#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace catwalk::config {

/// One key of `catwalk.yaml`, as the reference page and the JSON Schema describe it.
struct key_description {
  std::string key;                  ///< `fetch.pages.delay`; `schedule.jobs[].cron` for what a job takes
  std::string type;                 ///< `duration`, `size`, `whole number`, `local | remote` …
  std::string default_text;         ///< as one would write it; empty: unset
  std::string environment;          ///< `CATWALK_FETCH_PAGES_DELAY`; empty: the file alone
  std::string doc;                  ///< one line
  std::vector<std::string> values;  ///< all that are valid; empty: not one of a few
  std::optional<std::pair<double, double>> between;  ///< least and greatest valid number
};

/// Every key of `catwalk.yaml`, in the order of the reference page.
std::vector<key_description> known_settings();

}  // namespace catwalk::config
