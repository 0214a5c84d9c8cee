#include "daemon/daemon_client.hpp"

#include <algorithm>

#include "tests/support/catch.hpp"

using catwalk::daemon::sockets_of;

namespace {

bool asks_the_service(const catwalk::config::loaded& configuration) {
  const auto sockets = sockets_of(configuration);
  CHECK(sockets.front() == configuration.state_dir / "catwalk.sock");
  return std::find(sockets.begin(), sockets.end(), "/run/catwalk/catwalk.sock") != sockets.end();
}

}  // namespace

TEST_CASE("the service's socket is for the system's configuration and state alone") {
  catwalk::config::loaded own;
  own.config_file = "/home/u/shop/catwalk.yaml";
  own.state_dir = "/home/u/.local/state/catwalk";
  CHECK_FALSE(asks_the_service(own));

  auto of_the_system = own;
  of_the_system.config_file = "/etc/catwalk/catwalk.yaml";
  CHECK(asks_the_service(of_the_system));

  auto its_state = own;
  its_state.state_dir = "/var/lib/catwalk";
  CHECK(asks_the_service(its_state));
}
