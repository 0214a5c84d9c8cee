// A name server that takes questions and never answers. It lives in namespaces of the test's own, where port
// 53 of the loopback and /etc/resolv.conf are free to be what the test wants.
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/steady_timer.hpp>
#include <fstream>

#include "tests/unit/core/http_fixture.hpp"

using namespace catwalk;
using catwalk::testing::http_fixture;
using namespace std::chrono_literals;

namespace {

enum outcome : int { good = 0, no_namespaces = 10, wrong_error = 11, loop_was_held = 12, ended_late = 13 };

bool write_file(const char* name, const std::string& text) {
  const int file = open(name, O_WRONLY);
  const bool done = file >= 0 && write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (file >= 0) close(file);
  return done;
}

/// Moves this process into namespaces with a loopback, and a resolver that points to it.
bool enter_namespaces() {
  const auto user = std::to_string(getuid());
  const auto group = std::to_string(getgid());
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET) != 0) return false;
  write_file("/proc/self/setgroups", "deny");
  if (!write_file("/proc/self/uid_map", "0 " + user + " 1") ||
      !write_file("/proc/self/gid_map", "0 " + group + " 1"))
    return false;
  const int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq loopback{};
  loopback.ifr_name[0] = 'l';
  loopback.ifr_name[1] = 'o';
  loopback.ifr_flags = IFF_UP | IFF_RUNNING;
  const bool up = ioctl(control, SIOCSIFFLAGS, &loopback) == 0;
  close(control);
  if (!up || mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  char name[] = "/tmp/resolv.XXXXXX";
  const int file = mkstemp(name);
  if (file < 0) return false;
  close(file);
  std::ofstream(name) << "nameserver 127.0.0.1\noptions timeout:30 attempts:5\n";
  const bool bound = mount(name, "/etc/resolv.conf", nullptr, MS_BIND, nullptr) == 0;
  unlink(name);
  return bound;
}

outcome ask_a_silent_server() {
  if (!enter_namespaces()) return no_namespaces;
  const int silent = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(53);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(silent, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return no_namespaces;

  const auto began = std::chrono::steady_clock::now();
  std::chrono::steady_clock::duration longest{};
  bool wrong = false;
  {
    boost::asio::io_context loop{1};
    auto client = std::make_unique<http_client>(loop.get_executor(), http_fixture::open_options());
    bool ended = false;
    http_request request = http_fixture::get("http://shop.example/");
    request.timeout = 1500ms;
    boost::asio::co_spawn(loop, client->fetch(std::move(request)),
                          [&](const std::exception_ptr&, const result<http_response>& got) {
                            wrong = got.has_value() || got.error().code != errc::timeout;
                            ended = true;
                          });
    auto last = std::chrono::steady_clock::now();
    boost::asio::steady_timer timer(loop);
    const std::function<void()> tick = [&] {
      timer.expires_after(5ms);
      timer.async_wait([&](auto) {
        const auto now = std::chrono::steady_clock::now();
        longest = std::max(longest, now - last - 5ms);
        last = now;
        if (!ended) tick();
      });
    };
    tick();
    loop.run();
    // The client goes while its resolver still waits.
    const auto before = std::chrono::steady_clock::now();
    client.reset();
    longest = std::max(longest, std::chrono::steady_clock::now() - before);
  }
  if (wrong) return wrong_error;
  if (longest > 100ms) return loop_was_held;
  return std::chrono::steady_clock::now() - began > 4s ? ended_late : good;
}

}  // namespace

TEST_CASE("a name server that hangs holds up neither the loop nor the time limit") {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  // _exit: glibc's resolver threads still wait for the silent server.
  if (child == 0) _exit(ask_a_silent_server());
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == no_namespaces) {
    WARN("SKIPPED: this machine does not permit user namespaces");
    return;
  }
  CHECK(WEXITSTATUS(status) == good);
}
