#include "scrape/browser_visit.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "core/url.hpp"
#include "scrape/browser_scripts.hpp"
#include "scrape/devtools_value.hpp"

namespace catwalk::scrape {
namespace {

namespace asio = boost::asio;
using nlohmann::json;
using std::chrono::milliseconds;

constexpr milliseconds script_timeout{10'000};
/// All that a page loads, in relation to the cap on the page itself.
constexpr std::size_t load_factor = 4;

}  // namespace

/// Closes the tab when the visit ends, however it ends.
class browser_visit::tab {
 public:
  explicit tab(browser_visit& of) : of_(of) {}
  ~tab() {
    of_.done_ = true;
    of_.resolver_.cancel();
    auto& devtools = *of_.around_.devtools;
    if (!of_.session_.empty()) devtools.ignore(of_.session_);
    if (!of_.target_.empty()) devtools.send("", "Target.closeTarget", {{"targetId", of_.target_}});
  }
  tab(const tab&) = delete;
  tab& operator=(const tab&) = delete;

 private:
  browser_visit& of_;
};

browser_visit::browser_visit(visit_surroundings& surroundings, const http_request& page, std::string wait_for)
    : around_(surroundings),
      page_(page),
      wait_for_(std::move(wait_for)),
      shown_(redacted(page.url)),
      host_(host_key(page.url)),
      plan_({page.timeout, !wait_for_.empty()}, steady_now()),
      rule_(*surroundings.guard, surroundings.guarded, surroundings.by_proxy, page.max_redirects),
      wake_(surroundings.loop),
      resolver_(surroundings.loop) {}

milliseconds browser_visit::left() const {
  return std::max(milliseconds(1), std::chrono::duration_cast<milliseconds>(plan_.deadline() - steady_now()));
}

asio::awaitable<result<http_response>> browser_visit::run() {
  const auto self = shared_from_this();
  const auto began = steady_now();
  const tab closes_it(*this);
  auto opened = co_await open();
  if (opened.has_error()) co_return opened.error();
  auto gone = co_await navigate();
  if (gone.has_error()) co_return gone.error();
  auto answer = co_await watch();
  if (answer.has_value())
    answer->elapsed = std::chrono::duration_cast<std::chrono::microseconds>(steady_now() - began);
  co_return answer;
}

asio::awaitable<result<void>> browser_visit::open() {
  auto& devtools = *around_.devtools;
  json page = {{"url", "about:blank"}, {"browserContextId", around_.context}};
  auto made = co_await devtools.call("", "Target.createTarget", std::move(page), left());
  if (made.has_error()) co_return made.error();
  target_ = text_at(*made, "targetId");
  json wanted = {{"targetId", target_}, {"flatten", true}};
  auto attached = co_await devtools.call("", "Target.attachToTarget", std::move(wanted), left());
  if (attached.has_error()) co_return attached.error();
  session_ = text_at(*attached, "sessionId");
  devtools.listen(session_, [weak = weak_from_this()](const std::string& method, const json& params) {
    if (const auto self = weak.lock(); self && !self->done_) self->on_event(method, params);
  });

  // What a page starts beside itself (workers, frames of other sites) stops before its first request, and
  // stays so: it would be out of this session's sight.
  send("Target.setAutoAttach", {{"autoAttach", true}, {"waitForDebuggerOnStart", true}, {"flatten", true}});
  send("Page.enable", json::object());
  send("Network.enable", {{"maxTotalBufferSize", 1'000'000}, {"maxResourceBufferSize", 100'000}});
  send("Network.setBypassServiceWorker", {{"bypass", true}});
  send("Network.setUserAgentOverride",
       {{"userAgent", std::string(page_.headers.find("User-Agent").value_or(""))},
        {"acceptLanguage", std::string(page_.headers.find("Accept-Language").value_or(""))}});
  send("Page.addScriptToEvaluateOnNewDocument", {{"source", confining_script()}});
  if (around_.insecure_tls) send("Security.setIgnoreCertificateErrors", {{"ignore", true}});
  json all = {{"patterns", json::array({{{"urlPattern", "*"}, {"requestStage", "Request"}}})},
              {"handleAuthRequests", !around_.proxy_user.empty()}};
  auto watched = co_await devtools.call(session_, "Fetch.enable", std::move(all), left());
  if (watched.has_error()) co_return watched.error();
  auto tree = co_await devtools.call(session_, "Page.getFrameTree", json::object(), left());
  if (tree.has_error()) co_return tree.error();
  frame_ = text_at(tree->value(json::json_pointer("/frameTree/frame"), json::object()), "id");
  co_return result<void>();
}

asio::awaitable<result<void>> browser_visit::navigate() {
  auto& devtools = *around_.devtools;
  json wanted = {{"url", page_.url}};
  auto went = co_await devtools.call(session_, "Page.navigate", std::move(wanted), left());
  if (failure_) co_return *failure_;
  if (went.has_error()) {
    error failure = went.error();
    failure.on = shown_;
    co_return failure;
  }
  std::string why = text_at(*went, "errorText");
  if (!why.empty()) {
    error failure{errc::network, "the browser cannot open the page", shown_, why, ""};
    if (flag_at(*went, "isDownload")) failure.why = "it is a download, not a page";
    if (const auto told = guard_failure(); told && why.ends_with("TUNNEL_CONNECTION_FAILED")) {
      failure.code = told->code;
      failure.why = told->to_string();
    }
    if (around_.guard_proxy && why.ends_with("PROXY_CONNECTION_FAILED"))
      failure.hint = "a browser at a loopback address must reach those of this machine: see fetch.browser";
    co_return failure;
  }
  co_return result<void>();
}

asio::awaitable<result<http_response>> browser_visit::watch() {
  using step = visit_plan::step;
  for (;;) {
    if (failure_) co_return *failure_;
    if (!around_.devtools->is_open())
      co_return error{errc::network, "the browser has ended", shown_, "its connection is closed", ""};
    const visit_plan::action action = plan_.next(steady_now());
    if (action.what == step::wait) {
      wake_.expires_at(action.until);
      co_await wake_.async_wait(asio::as_tuple(asio::use_awaitable));
    } else if (action.what == step::look) {
      auto looked = co_await look();
      if (looked.has_error()) co_return looked.error();
    } else if (action.what == step::scroll) {
      auto scrolled = co_await evaluate(scroll_script());
      if (scrolled.has_error() && scrolled.error().code == errc::cancelled) co_return scrolled.error();
      plan_.scrolled(steady_now());
    } else if (action.what == step::take) {
      auto taken = co_await take();
      const bool lost = taken.has_error() && taken.error().code == errc::network;
      if (!lost || steady_now() >= plan_.deadline()) co_return taken;
      plan_.looked({}, steady_now());  // the page has just gone elsewhere
    } else {
      const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(page_.timeout).count();
      std::string why = plan_.has_wanted() ? "it was still loading" : "nothing matched `" + wait_for_ + '`';
      why += " within " + std::to_string(seconds) + " s";
      co_return error{errc::timeout, "gave the page in the browser up", shown_, std::move(why),
                      "see fetch.pages.timeout"};
    }
  }
}

asio::awaitable<result<void>> browser_visit::look() {
  auto seen = co_await evaluate(look_script(wait_for_));
  page_look told;
  if (seen.has_value() && seen->is_object()) {
    told = {flag_at(*seen, "ready"), number_at(*seen, "wanted"), number_at(*seen, "elements"),
            number_at(*seen, "height"), flag_at(*seen, "clicked")};
  } else if (seen.has_error() && seen.error().code == errc::cancelled) {
    co_return seen.error();
  }
  plan_.looked(told, steady_now());
  co_return result<void>();
}

asio::awaitable<result<http_response>> browser_visit::take() {
  auto taken = co_await evaluate(take_script(page_.max_bytes));
  if (taken.has_error()) co_return taken.error();
  if (const long size = number_at(*taken, "size"); size > 0) {
    co_return error{errc::too_large, "the page in the browser is too large", shown_,
                    std::to_string(size) + " characters", "see fetch.pages.max_bytes"};
  }
  auto html = taken->is_object() ? taken->find("html") : taken->end();
  if (document_.status == 0 || html == taken->end() || !html->is_string())
    co_return error{errc::network, "the browser has no page", shown_, "", ""};
  http_response answer = std::move(document_);
  answer.body = std::move(html->get_ref<std::string&>());
  answer.headers.set("Content-Type", "text/html; charset=utf-8");
  co_return answer;
}

asio::awaitable<result<json>> browser_visit::evaluate(std::string script) {
  json wanted = {{"expression", std::move(script)}, {"returnByValue", true}};
  const milliseconds at_most = std::min(left(), script_timeout);
  auto answer = co_await around_.devtools->call(session_, "Runtime.evaluate", std::move(wanted), at_most);
  if (answer.has_error()) co_return answer.error();
  if (answer->contains("exceptionDetails"))
    co_return error{errc::network, "a script failed in the page", shown_, "", ""};
  const auto outcome = answer->find("result");
  result<json> value(boost::system::in_place_value, json());
  if (outcome != answer->end() && outcome->contains("value")) *value = std::move((*outcome)["value"]);
  co_return value;
}

void browser_visit::on_event(const std::string& method, const json& params) {
  if (method == "Fetch.requestPaused") return on_request_paused(params);
  if (method == "Fetch.authRequired") return on_auth(params);
  if (method == "Network.requestWillBeSent") {
    if (in_flight_.insert(text_at(params, "requestId")).second) plan_.request_started(steady_now());
  } else if (method == "Network.loadingFinished" || method == "Network.loadingFailed") {
    if (in_flight_.erase(text_at(params, "requestId")) > 0) plan_.request_ended(steady_now());
  } else if (method == "Network.responseReceived") {
    on_response(params);
  } else if (method == "Network.dataReceived") {
    received_ += static_cast<std::size_t>(std::max(0L, number_at(params, "dataLength")));
    if (received_ > page_.max_bytes * load_factor)
      fail(errc::too_large,
           "it loads more than " + std::to_string(load_factor) + " times fetch.pages.max_bytes");
  } else if (method == "Page.javascriptDialogOpening") {
    send("Page.handleJavaScriptDialog", {{"accept", false}});
  } else if (method == "Inspector.targetCrashed" || method == "Inspector.detached") {
    fail(errc::network, "the tab crashed");
  }
}

void browser_visit::send(const std::string& method, json params) {
  around_.devtools->send(session_, method, std::move(params));
}

void browser_visit::fail(errc code, const std::string& why) {
  if (!failure_) failure_ = error{code, "the page in the browser was stopped", shown_, why, ""};
  wake_.cancel();
}

}  // namespace catwalk::scrape
