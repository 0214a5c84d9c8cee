#include "scrape/browser_process.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <spdlog/spdlog.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "core/clock.hpp"

namespace catwalk::scrape {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;

/// $1 is the folder, the rest Chromium's command line; 0 is the leash, 3 takes Chromium's stderr. Chromium
/// gets five seconds to end by itself.
constexpr const char* keeper = R"(dir=$1; shift
"$@" </dev/null 2>&3 3>&- &
browser=$!
exec 3>&-
trap : HUP INT TERM
read -r _
kill "$browser" 2>/dev/null
n=0
while kill -0 "$browser" 2>/dev/null && [ "$n" -lt 50 ]; do /bin/sleep 0.1; n=$((n + 1)); done
kill -9 "$browser" 2>/dev/null
wait "$browser" 2>/dev/null
/bin/rm -rf -- "$dir" || { /bin/sleep 1; /bin/rm -rf -- "$dir"; }
)";

/// Chromium's socket lies 68 characters further, and its address has room for 107.
constexpr std::size_t longest_temporary_folder = 39;

constexpr std::array<const char*, 4> names{"chromium", "chromium-browser", "google-chrome", "chrome"};

constexpr std::array switches{
    "--headless=new",
    "--remote-debugging-address=127.0.0.1",
    "--remote-debugging-port=0",
    "--no-first-run",
    "--no-default-browser-check",
    "--block-new-web-contents",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-sync",
    // Sandboxed frames stay in their page's process, where its session sees their requests; no second request
    // by https for a page that is asked for by http.
    "--disable-features=Translate,OptimizationHints,MediaRouter,Prerender2,IsolateSandboxedIframes,"
    "HttpsUpgrades,HttpsFirstBalancedModeAutoEnable",
    // Nothing by UDP: it would go around the guard proxy.
    "--disable-quic",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--hide-scrollbars",
    "--js-flags=--max-old-space-size=512",
    "--metrics-recording-only",
    "--mute-audio",
    "--password-store=basic",
    "--window-size=1366,2400",
};

/// No connection before it is needed (`<link rel=preconnect>`): it would be made without a request to judge.
/// WebRTC once more, since the switch has had several names.
constexpr const char* preferences =
    R"({"net":{"network_prediction_options":2},"webrtc":{"ip_handling_policy":"disable_non_proxied_udp"}})";

error failed(std::string what, const std::string& on, int code) {
  return error{errc::io, std::move(what), on, std::strerror(code), ""};
}

std::optional<fs::path> find_chromium() {
  const char* path = std::getenv("PATH");
  std::string_view left = path != nullptr ? path : "";
  while (!left.empty()) {
    const auto end = std::min(left.find(':'), left.size());
    const fs::path folder(left.substr(0, end));
    left.remove_prefix(std::min(end + 1, left.size()));
    if (!folder.is_absolute()) continue;
    for (const char* name : names) {
      fs::path file = folder / name;
      if (::access(file.c_str(), X_OK) == 0) return file;
    }
  }
  return std::nullopt;
}

/// What Chromium may know of our surroundings: no secret, no proxy, nobody's home folder.
std::vector<std::string> environment_in(const std::string& folder) {
  std::vector<std::string> kept{"HOME=" + folder, "TMPDIR=" + folder};
  for (const char* name : {"PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "FONTCONFIG_FILE", "FONTCONFIG_PATH"})
    if (const char* value = std::getenv(name)) kept.push_back(std::string(name) + "=" + value);
  return kept;
}

/// Chromium refuses to be root with its sandbox. Said once, however often it is started.
void warn_of_no_sandbox() {
  static bool said = false;
  if (std::exchange(said, true)) return;
  spdlog::warn(
      "Chromium runs without its sandbox (--no-sandbox), since catwalk is root: run catwalk as an ordinary "
      "user, or name a browser that one runs in fetch.browser");
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> list;
  list.reserve(words.size() + 1);
  for (std::string& word : words) list.push_back(word.data());
  list.push_back(nullptr);
  return list;
}

/// A pipe whose ends are closed on exec, with numbers that the child's own do not meet.
class pipe_ends {
 public:
  pipe_ends() {
    std::array<int, 2> low{-1, -1};
    if (::pipe2(low.data(), O_CLOEXEC) != 0) return;
    for (std::size_t i = 0; i < 2; ++i) {
      ends_[i] = ::fcntl(low[i], F_DUPFD_CLOEXEC, 10);
      ::close(low[i]);
    }
  }
  ~pipe_ends() {
    for (const int end : ends_)
      if (end >= 0) ::close(end);
  }
  pipe_ends(const pipe_ends&) = delete;
  pipe_ends& operator=(const pipe_ends&) = delete;

  bool made() const { return ends_[0] >= 0 && ends_[1] >= 0; }
  int reading() const { return ends_[0]; }
  int writing() const { return ends_[1]; }
  int take(std::size_t end) { return std::exchange(ends_[end], -1); }

 private:
  std::array<int, 2> ends_{-1, -1};
};

/// Starts the keeper in a process group of its own, so that a terminal's Ctrl-C does not reach it. 0 or
/// errno.
int spawn(std::vector<std::string> command, std::vector<std::string> environment, const pipe_ends& leash,
          const pipe_ends& words, pid_t& child) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&files);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_adddup2(&files, leash.reading(), 0);
  posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&files, words.writing(), 3);
  posix_spawn_file_actions_addclosefrom_np(&files, 4);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  const auto arguments = pointers(command);
  const auto variables = pointers(environment);
  const int code = posix_spawn(&child, "/bin/sh", &files, &attributes, arguments.data(), variables.data());
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  return code;
}

}  // namespace

bool chromium_is_installed() {
  return find_chromium().has_value();
}

browser_process::browser_process(pid_t shell, asio::posix::stream_descriptor words, int leash)
    : shell_(shell), words_(std::move(words)), leash_(leash) {}

browser_process::~browser_process() {
  end();
}

result<std::unique_ptr<browser_process>> browser_process::start(const asio::any_io_executor& loop) {
  const auto chromium = find_chromium();
  if (!chromium) {
    return error{errc::not_found, "cannot start a browser", "", "Chromium is not in PATH",
                 "install it (Debian: apt install chromium), or set fetch.browser"};
  }
  std::error_code none;
  const fs::path temporary = fs::temp_directory_path(none);
  if (temporary.native().size() > longest_temporary_folder) {
    return error{errc::invalid_config, "cannot start a browser", temporary.string(),
                 "Chromium cannot make its socket in a folder with so long a path",
                 "set TMPDIR to a shorter one"};
  }
  std::string folder = (temporary / "catwalk-browser-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) return failed("cannot make the browser's folder", folder, errno);
  const fs::path profile = fs::path(folder) / "profile";
  fs::create_directories(profile / "Default", none);
  std::ofstream(profile / "Default" / "Preferences") << preferences;
  std::vector<std::string> command{"sh", "-c", keeper, "catwalk-browser", folder, chromium->string()};
  command.insert(command.end(), switches.begin(), switches.end());
  command.push_back("--user-data-dir=" + profile.string());
  if (::geteuid() == 0) {
    warn_of_no_sandbox();
    command.emplace_back("--no-sandbox");
  }
  command.emplace_back("about:blank");
  pipe_ends leash, words;
  pid_t child = -1;
  int code = leash.made() && words.made() ? 0 : errno;
  if (code == 0) code = spawn(std::move(command), environment_in(folder), leash, words, child);
  if (code != 0) {
    fs::remove_all(folder, none);
    return failed("cannot start a browser", chromium->string(), code);
  }
  asio::posix::stream_descriptor listening(loop, words.take(0));
  return std::unique_ptr<browser_process>(new browser_process(child, std::move(listening), leash.take(1)));
}

asio::awaitable<result<std::string>> browser_process::address() {
  constexpr std::string_view mark = "DevTools listening on ";
  constexpr std::size_t longest = 64UL * 1024;
  std::string said, last;
  for (;;) {
    const auto [over, size] = co_await asio::async_read_until(words_, asio::dynamic_buffer(said, longest),
                                                              '\n', asio::as_tuple(asio::use_awaitable));
    if (over) {
      co_return error{errc::network, "cannot start a browser", "", last.empty() ? "Chromium ended" : last,
                      "run it by hand to see why, or set fetch.browser"};
    }
    std::string line = said.substr(0, size - 1);
    said.erase(0, size);
    if (const auto at = line.find(mark); at != std::string::npos) {
      words_.close();  // Chromium ignores SIGPIPE; what nobody reads would block it some day
      co_return line.substr(at + mark.size());
    }
    if (!line.empty()) last = std::move(line);
  }
}

void browser_process::end() {
  if (leash_ >= 0) ::close(std::exchange(leash_, -1));
}

asio::awaitable<void> browser_process::gone(std::chrono::milliseconds at_most) {
  constexpr auto ask_every = std::chrono::milliseconds(20);
  const auto deadline = steady_now() + at_most;
  asio::steady_timer timer(words_.get_executor());
  while (shell_ > 0) {
    if (::waitpid(shell_, nullptr, WNOHANG) != 0) shell_ = -1;
    if (shell_ < 0 || steady_now() >= deadline) break;
    timer.expires_after(ask_every);
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

}  // namespace catwalk::scrape
