#pragma once
#include <string>

namespace catwalk::daemon {

/// Tells systemd (sd_notify) how the service is. Without $NOTIFY_SOCKET nothing happens.
void notify_ready();
void notify_stopping();
void notify_status(const std::string& text);

}  // namespace catwalk::daemon
