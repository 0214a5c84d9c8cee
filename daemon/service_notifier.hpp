#pragma once
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace catwalk::daemon {

// Tells systemd (sd_notify) how the service is. Without $NOTIFY_SOCKET nothing happens.

void notify_ready();
/// `at_most`: how long the stop may take.
void notify_stopping(std::chrono::milliseconds at_most);
void notify_reloading();
void notify_status(const std::string& text);
void notify_alive();
/// How often the service manager wants to hear from the service; nullopt: it does not.
std::optional<std::chrono::milliseconds> watchdog_period();

/// While the service starts or loads a new configuration (a migration, a model), the loop may be busy for
/// longer than the service manager waits: a thread asks for more time, for a quarter of an hour at most.
class startup_extension {
 public:
  startup_extension();
  ~startup_extension();
  startup_extension(const startup_extension&) = delete;
  startup_extension& operator=(const startup_extension&) = delete;

 private:
  void extend();

  std::mutex mutex_;
  std::condition_variable ended_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace catwalk::daemon
