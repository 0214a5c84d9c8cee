#pragma once
#include "config/load.hpp"

namespace catwalk::daemon {

/// Names every value of the configuration that is secret to conceal_in_logs(): secrets, the sink's own
/// headers, passwords within addresses, and shops' headers that log in. Whatever a server repeats of them is
/// `***`.
void conceal_secrets(const config::loaded& configuration);

}  // namespace catwalk::daemon
