#include "daemon/service_notifier.hpp"

#include <systemd/sd-daemon.h>

namespace catwalk::daemon {

void notify_ready() {
  sd_notify(0, "READY=1");
}
void notify_stopping() {
  sd_notify(0, "STOPPING=1");
}
void notify_status(const std::string& text) {
  sd_notify(0, ("STATUS=" + text).c_str());
}

}  // namespace catwalk::daemon
