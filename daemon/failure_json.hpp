#pragma once
#include <nlohmann/json.hpp>

#include "storage/failures.hpp"

namespace catwalk::daemon {

/// A dead letter without its row, as `catwalk failed --json` and `/api/v1/failures` tell of it.
nlohmann::json failure_json(const storage::failed_row& row);

}  // namespace catwalk::daemon
