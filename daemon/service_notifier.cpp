#include "daemon/service_notifier.hpp"

#include <systemd/sd-daemon.h>

#include <cstdint>
#include <ctime>

namespace catwalk::daemon {

namespace {

std::string in_microseconds(std::chrono::microseconds time) {
  return std::to_string(time.count());
}

}  // namespace

void notify_ready() {
  sd_notify(0, "READY=1");
}

void notify_stopping(std::chrono::milliseconds at_most) {
  sd_notify(0, ("STOPPING=1\nSTATUS=stopping\nEXTEND_TIMEOUT_USEC=" + in_microseconds(at_most)).c_str());
}

void notify_reloading() {
  // systemd tells this reload from an earlier one by the time.
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const auto since_boot = std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
  sd_notify(0, ("RELOADING=1\nSTATUS=loading the configuration\nMONOTONIC_USEC=" +
                in_microseconds(std::chrono::duration_cast<std::chrono::microseconds>(since_boot)))
                   .c_str());
}

void notify_status(const std::string& text) {
  sd_notify(0, ("STATUS=" + text).c_str());
}

void notify_alive() {
  sd_notify(0, "WATCHDOG=1");
}

std::optional<std::chrono::milliseconds> watchdog_period() {
  std::uint64_t period = 0;
  if (sd_watchdog_enabled(0, &period) <= 0) return std::nullopt;
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::microseconds(period));
}

startup_extension::startup_extension() : thread_([this] { extend(); }) {}

startup_extension::~startup_extension() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  ended_.notify_all();
  thread_.join();
}

void startup_extension::extend() {
  constexpr auto every = std::chrono::seconds(5), ahead = std::chrono::seconds(30);
  const auto period = watchdog_period();
  const auto pause = period ? std::min<std::chrono::milliseconds>(every, *period / 2) : every;
  const auto last = std::chrono::steady_clock::now() + std::chrono::minutes(15);
  const auto message = "WATCHDOG=1\nEXTEND_TIMEOUT_USEC=" + in_microseconds(ahead);
  std::unique_lock lock(mutex_);
  while (!over_ && std::chrono::steady_clock::now() < last) {
    sd_notify(0, message.c_str());
    ended_.wait_for(lock, pause, [this] { return over_; });
  }
}

}  // namespace catwalk::daemon
