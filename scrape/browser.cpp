#include "scrape/browser.hpp"

#include <spdlog/spdlog.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <utility>

#include "core/address_guard.hpp"
#include "core/proxy_choice.hpp"
#include "core/task_group.hpp"
#include "core/url.hpp"
#include "scrape/browser_process.hpp"
#include "scrape/browser_visit.hpp"
#include "scrape/devtools_connection.hpp"
#include "scrape/guard_proxy.hpp"

namespace catwalk::scrape {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

constexpr auto start_timeout = std::chrono::seconds(30);
constexpr auto end_timeout = std::chrono::seconds(10);
constexpr auto call_timeout = std::chrono::seconds(10);
constexpr int most_pages = 2;
constexpr const char* direct = "direct://";

error stopped_rendering() {
  return error{errc::cancelled, "stopped rendering", "", "", ""};
}

}  // namespace

class browser::impl : public std::enable_shared_from_this<impl> {
 public:
  /// One browser, from its start to its end.
  struct running {
    explicit running(const asio::any_io_executor& loop) : changed(loop, steady_time::max()) {}
    asio::steady_timer changed;  ///< cancelled when it is up, or is not
    std::unique_ptr<browser_process> process;
    std::shared_ptr<devtools_connection> devtools;
    std::unique_ptr<guard_proxy> guard;  ///< null: nothing to guard, or out of the browser's reach
    bool up = false;
    std::optional<error> failure;
    bool unwanted = false;
  };

  impl(asio::any_io_executor loop, asio::any_io_executor cpu, options opt)
      : loop_(std::move(loop)),
        cpu_(std::move(cpu)),
        options_(std::move(opt)),
        guard_(!options_.fetch.allow_private_addresses, options_.permitted_endpoints),
        turn_(loop_, steady_time::max()),
        tasks_(loop_) {}

  /// The browser, started if need be.
  asio::awaitable<result<std::shared_ptr<running>>> ready() {
    if (stopping_) co_return stopped_rendering();
    if (!current_) {
      current_ = std::make_shared<running>(loop_);
      tasks_.spawn("browser", live(current_));
    }
    const auto mine = current_;
    while (!mine->up && !mine->failure)
      co_await mine->changed.async_wait(asio::as_tuple(asio::use_awaitable));
    if (mine->failure) co_return *mine->failure;
    co_return mine;
  }

  void session_opened() { ++sessions_; }
  void session_closed() {
    if (--sessions_ == 0) end_current();
  }

  asio::awaitable<void> stop() {
    stopping_ = true;
    end_current();
    co_await tasks_.join();
  }

  /// A place among the pages that are open at once; given back when it goes out of scope.
  class place {
   public:
    explicit place(impl& of) : of_(of) { ++of_.pages_; }
    ~place() {
      --of_.pages_;
      of_.turn_.cancel();
    }
    place(const place&) = delete;
    place& operator=(const place&) = delete;

   private:
    impl& of_;
  };
  asio::awaitable<void> wait_for_turn() {
    while (pages_ >= most_pages) co_await turn_.async_wait(asio::as_tuple(asio::use_awaitable));
  }

  const options& settings() const { return options_; }
  const address_guard& guard() const { return guard_; }
  const asio::any_io_executor& loop() const { return loop_; }

 private:
  asio::awaitable<void> live(std::shared_ptr<running> of) {
    auto started = co_await start(of);
    if (started.has_error()) {
      of->failure = started.error();
    } else {
      of->up = !of->unwanted;
      if (of->unwanted) of->failure = stopped_rendering();
    }
    of->changed.cancel();
    if (of->up) {
      co_await of->devtools->run();
      of->failure = error{errc::network, "the browser has ended", "", "its connection is closed", ""};
    }
    of->devtools.reset();
    if (of->guard) co_await of->guard->stop();
    if (of->process) {
      of->process->end();
      co_await of->process->gone(end_timeout);
    }
  }

  asio::awaitable<result<void>> start(std::shared_ptr<running> of) {
    std::string address = options_.fetch.browser;
    if (address == "auto") {
      auto made = browser_process::start(loop_);
      if (made.has_error()) co_return made.error();
      of->process = std::move(*made);
      asio::steady_timer patience(loop_, start_timeout);
      patience.async_wait([weak = std::weak_ptr<running>(of)](boost::system::error_code stopped) {
        const auto self = weak.lock();
        if (!stopped && self && self->process) self->process->end();
      });
      auto told = co_await of->process->address();
      if (told.has_error()) co_return told.error();
      address = std::move(*told);
    }
    auto at = parse_devtools_address(address);
    if (at.has_error()) co_return at.error();
    // A page's HTML is a JSON text on the wire, longer than the page by its escapes.
    const std::size_t longest = 2 * options_.fetch.pages.max_bytes + 16UL * 1024 * 1024;
    of->devtools = std::make_shared<devtools_connection>(loop_, cpu_, longest);
    auto opening = of->devtools->open(std::move(*at));
    auto opened = co_await std::move(opening);
    if (opened.has_error()) co_return opened.error();
    if (options_.fetch.allow_private_addresses || !of->devtools->is_local()) co_return result<void>();
    of->guard = std::make_unique<guard_proxy>(loop_, guard_);
    co_return of->guard->start();
  }

  void end_current() {
    const auto of = std::exchange(current_, nullptr);
    if (!of) return;
    of->unwanted = true;
    if (of->process) of->process->end();
    if (of->devtools) of->devtools->close();
  }

  asio::any_io_executor loop_, cpu_;
  options options_;
  address_guard guard_;
  std::shared_ptr<running> current_;
  int sessions_ = 0;
  int pages_ = 0;
  asio::steady_timer turn_;
  bool stopping_ = false;
  task_group tasks_;
};

/// One site's part of the browser.
class browser::session final : public page_renderer {
 public:
  session(std::shared_ptr<impl> of, const config::site& site) : of_(std::move(of)), site_(site) {
    of_->session_opened();
    const auto& fetch = of_->settings().fetch;
    around_.loop = of_->loop();
    around_.site = site.name;
    around_.guard = &of_->guard();
    around_.guarded = !fetch.allow_private_addresses;
    around_.insecure_tls = fetch.insecure_ssl;
    around_.by_proxy = [&fetch, &site](const url& to) {
      if (!site.proxy.empty()) return true;
      const std::string& proxy = to.scheme == "https" ? fetch.https_proxy : fetch.http_proxy;
      return !proxy.empty() && !exempt_from_proxy(fetch.no_proxy, to);
    };
  }
  ~session() override {
    if (around_.devtools && !around_.context.empty())
      around_.devtools->send("", "Target.disposeBrowserContext", {{"browserContextId", around_.context}});
    around_.devtools.reset();
    of_->session_closed();
  }
  session(const session&) = delete;
  session& operator=(const session&) = delete;

  bool unavailable() const override { return unavailable_; }

  asio::awaitable<result<std::optional<http_response>>> render(const http_request& page,
                                                               const std::string& wait_for) override {
    if (unavailable_) co_return std::nullopt;
    co_await of_->wait_for_turn();
    const impl::place mine(*of_);
    auto prepared = co_await prepare();
    if (prepared.has_error() && prepared.error().code == errc::cancelled) co_return prepared.error();
    if (prepared.has_error()) co_return give_up(prepared.error());
    const auto visit = std::make_shared<browser_visit>(around_, page, wait_for);
    auto answer = co_await visit->run();
    if (answer.has_value()) co_return std::optional<http_response>(std::move(*answer));
    if (answer.error().code != errc::cancelled && !around_.devtools->is_open())
      co_return give_up(answer.error());
    co_return answer.error();
  }

 private:
  /// The browser, and a context in it.
  asio::awaitable<result<void>> prepare() {
    if (!around_.context.empty() && around_.devtools->is_open()) co_return result<void>();
    auto up = co_await of_->ready();
    if (up.has_error()) co_return up.error();
    around_.devtools = (*up)->devtools;
    json wanted = context_settings();
    if (wanted["proxyServer"] == direct && (*up)->guard) {
      auto passed = go_through(*(*up)->guard, wanted);
      if (passed.has_error()) co_return passed.error();
    }
    auto made =
        co_await around_.devtools->call("", "Target.createBrowserContext", std::move(wanted), call_timeout);
    if (made.has_error()) co_return made.error();
    around_.context = made->value("browserContextId", "");
    around_.devtools->send("", "Browser.setDownloadBehavior",
                           {{"behavior", "deny"}, {"browserContextId", around_.context}});
    co_return result<void>();
  }

  json context_settings() {
    const auto& fetch = of_->settings().fetch;
    json wanted = {{"disposeOnDetach", true}, {"proxyServer", direct}};
    std::string servers;
    const auto add = [&](const std::string& scheme, const std::string& proxy) {
      if (proxy.empty()) return;
      const auto address = parse_url(proxy);
      std::string server = proxy;
      if (address.has_value()) {
        server = address->scheme + "://" + address->host + ":" + std::to_string(address->port);
        const auto colon = address->userinfo.find(':');
        around_.proxy_user = percent_decode(address->userinfo.substr(0, colon));
        if (colon != std::string::npos)
          around_.proxy_password = percent_decode(address->userinfo.substr(colon + 1));
      }
      servers += (servers.empty() ? "" : ";") + (scheme.empty() ? server : scheme + "=" + server);
    };
    if (!site_.proxy.empty()) {
      add("", site_.proxy);
    } else {
      add("http", fetch.http_proxy);
      add("https", fetch.https_proxy);
      if (!servers.empty() && !fetch.no_proxy.empty()) wanted["proxyBypassList"] = fetch.no_proxy;
    }
    if (!servers.empty()) wanted["proxyServer"] = servers;
    return wanted;
  }

  /// Puts the guard proxy between this context and the world. Loopback, too, is asked through it.
  result<void> go_through(guard_proxy& guard, json& wanted) {
    auto pass = guard.admit([this](const std::string& host, const error& why) { not_reached(host, why); });
    if (pass.has_error()) return pass.error();
    pass_ = std::move(*pass);
    around_.proxy_user = pass_->user;
    around_.proxy_password = pass_->password;
    around_.guard_proxy = guard.endpoint();
    wanted["proxyServer"] = "127.0.0.1:" + std::to_string(guard.endpoint().port());
    wanted["proxyBypassList"] = "<-loopback>";
    return {};
  }

  void not_reached(const std::string& host, const error& why) {
    around_.guard_failures.insert_or_assign(host, why);
    if (why.code == errc::refused_address && around_.refusals_told.insert(host).second)
      spdlog::warn("{}: the browser asks for {}: refused, {}", site_.name, host, why.why);
  }

  result<std::optional<http_response>> give_up(const error& why) {
    unavailable_ = true;
    spdlog::warn("{}: {}; its pages are read as the shop sends them, without running their scripts",
                 site_.name, why.to_string());
    return std::optional<http_response>();
  }

  std::shared_ptr<impl> of_;
  const config::site& site_;
  visit_surroundings around_;
  std::shared_ptr<const guard_pass> pass_;  ///< its listener is this session
  bool unavailable_ = false;
};

browser::browser(asio::any_io_executor loop, asio::any_io_executor cpu, options opt)
    : impl_(std::make_shared<impl>(std::move(loop), std::move(cpu), std::move(opt))) {}
browser::~browser() = default;

std::unique_ptr<page_renderer> browser::open(const config::site& site) {
  return std::make_unique<session>(impl_, site);
}

asio::awaitable<void> browser::stop() {
  co_await impl_->stop();
}

}  // namespace catwalk::scrape
