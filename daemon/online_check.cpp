#include "daemon/online_check.hpp"

#include <spdlog/fmt/fmt.h>

#include <optional>

#include "core/log.hpp"
#include "daemon/model_choice.hpp"
#include "daemon/remote_choice.hpp"
#include "daemon/site_run.hpp"
#include "scrape/image_source.hpp"
#include "scrape/source.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

namespace {

/// Takes one page, and no more.
class first_page final : public scrape::page_sink {
 public:
  asio::awaitable<std::optional<scrape::known_page>> known(const std::string&, const std::string&) override {
    co_return std::nullopt;
  }
  asio::awaitable<result<void>> accept(scrape::page p) override {
    if (!page_) page_ = std::move(p);
    co_return result<void>();
  }
  bool limit_reached() const override { return page_.has_value(); }

  const std::optional<scrape::page>& page() const noexcept { return page_; }

 private:
  std::optional<scrape::page> page_;
};

std::string in_words(const scrape::page& page) {
  if (page.products.empty()) {
    const std::string why =
        page.skipped.empty()
            ? std::string("nothing on it is an item")
            : fmt::format("its {} items were skipped: {}", page.skipped.size(), page.skipped.front().reason);
    return fmt::format(
        "{} was read and gives no product: {}; `catwalk scrape --dry-run --explain` shows more", page.url,
        why);
  }
  const auto& first = page.products.front();
  return fmt::format("one page read, {} products, the first: {}, {}", page.products.size(),
                     first.title.empty() ? first.id.str() : first.title, first.price.value_or("no price"));
}

}  // namespace

struct online_check::site_check {
  const config::site& site;
  online_finding finding;
  std::optional<product> sample;
};

online_check::online_check(application& app) : app_(app), tasks_(app.loop().get_executor()) {}

asio::awaitable<std::vector<online_finding>> online_check::run() {
  // In a group of its own, so that a stop ends whatever is waited for.
  tasks_.spawn("online check", check_all());
  co_await tasks_.join();
  for (auto& finding : findings_) finding.says = concealed(std::move(finding.says));
  co_return std::move(findings_);
}

asio::awaitable<void> online_check::check_all() {
  std::vector<site_check> sites;
  sites.reserve(app_.loaded().sites.size());
  for (const auto& site : app_.loaded().sites) sites.push_back({site, {"site " + site.name, false, ""}, {}});
  task_group reading(app_.loop().get_executor());
  for (auto& one : sites) reading.spawn(one.finding.about, check_site(one));
  co_await reading.join();
  co_await check_sink();
  co_await check_model();
  if (model_is_good_)
    for (auto& one : sites) co_await check_picture(one);
  for (auto& one : sites) findings_.push_back(std::move(one.finding));
}

asio::awaitable<void> online_check::check_site(site_check& one) {
  first_page taken;
  site_report report;
  report.site = one.site.name;
  const auto browser = scrape::uses_browser(one.site) ? app_.browser().open(one.site) : nullptr;
  scrape::source_context context{
      one.site, app_.settings().fetch, app_.page_lane(), app_.cpu(), make_cookie_jar(), true, browser.get()};
  co_await read_site(context, taken, report);
  if (!taken.page()) {
    one.finding.says = report.errors.empty() ? "no page could be read" : report.errors.front();
    co_return;
  }
  one.finding.says = in_words(*taken.page());
  one.finding.good = !taken.page()->products.empty();
  if (one.finding.good) one.sample = taken.page()->products.front();
}

asio::awaitable<void> online_check::check_sink() {
  if (app_.sink() == nullptr) co_return;
  online_finding finding{"sink " + app_.sink()->name(), false, ""};
  auto described = co_await app_.sink()->describe();
  if (described) {
    finding.good = true;
    finding.says =
        fmt::format("layout {}, vectors {}{}", described->layout,
                    described->vector_width ? fmt::format("of {} numbers", *described->vector_width)
                                            : std::string("of unknown width"),
                    described->role.empty() ? std::string() : fmt::format(", role {}", described->role));
    for (const auto& warning : described->warnings) finding.says += "; warning: " + warning;
    if (app_.settings().sync.action == "mark" && !described->has_availability) {
      finding.good = false;
      finding.says += "; sync.action: mark needs a column availability, which the table has not";
    }
  } else {
    finding.says = described.error().to_string();
  }
  sink_is_good_ = finding.good;
  findings_.push_back(std::move(finding));
}

asio::awaitable<void> online_check::check_model() {
  online_finding finding{"model", false, ""};
  const auto& settings = app_.settings();
  if (!sink_is_good_ && needs_local(settings.embed)) {
    // Whether it fits the sink is not known; whether it is there is.
    const auto model = choose_model(settings, app_.models_dir());
    finding.good = model.has_value();
    finding.says = model ? model->info.name + " is there; whether it fits the sink is not known"
                         : model.error().to_string();
  } else {
    const auto started = co_await app_.start_encoder();
    finding.good = model_is_good_ = started.has_value();
    if (started) {
      const auto& info = app_.encoder()->model();
      finding.says = fmt::format("{} is ready{}{}", info.name.empty() ? info.fingerprint : info.name,
                                 info.dim > 0 ? fmt::format(", {} numbers", info.dim) : std::string(),
                                 info.untrained ? ", untrained: for trying out alone" : "");
    } else {
      finding.says = started.error().to_string();
    }
  }
  findings_.push_back(std::move(finding));
}

asio::awaitable<void> online_check::check_picture(site_check& one) {
  if (!one.sample) co_return;
  const auto& url = one.sample->image_url;
  auto request = scrape::image_request(url, &one.site, app_.settings().fetch);
  auto picture = co_await app_.image_lane().fetch(std::move(request));
  result<embedding> vector = embedding{};
  if (!picture) {
    vector = picture.error();
  } else if (picture->status != 200) {
    vector = error{errc::http_status, "cannot fetch image", url,
                   fmt::format("the server answered {}", picture->status), ""};
  } else {
    auto encoded = co_await app_.encoder()->encode(std::move(picture->body), url, embed::lane::bulk);
    vector = std::move(encoded);
  }
  if (vector) {
    one.finding.says += "; its picture embedded";
  } else {
    one.finding.good = false;
    one.finding.says += "; its picture: " + vector.error().to_string();
  }
}

}  // namespace catwalk::daemon
