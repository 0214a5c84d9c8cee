#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <optional>

namespace catwalk::daemon {

class application;

/// How often the service manager's watchdog is kicked: thrice in its period. nullopt: it has none.
std::optional<std::chrono::milliseconds> time_between_kicks();

/// Tells the service manager, until it is cancelled, that the service is alive (see watchdog_policy) and what
/// it does (see service_status). Without one it does nothing.
boost::asio::awaitable<void> keep_service_manager_informed(application& app);

/// Tells it, until it is cancelled, that the loop is alive, and no more: while what is under way ends.
boost::asio::awaitable<void> keep_watchdog_kicked(boost::asio::any_io_executor loop);

}  // namespace catwalk::daemon
