#include "daemon/scheduler.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <string>

#include "core/log.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

namespace {

sys_seconds now_in_seconds() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

std::string_view words(schedule::skip_reason why) {
  switch (why) {
    case schedule::skip_reason::still_running:
      return "its last run still goes on";
    case schedule::skip_reason::missed:
      return "it was missed, and the job does not catch up";
    case schedule::skip_reason::replaced:
      return "a later slot came while it waited";
  }
  return "";
}

/// A run in a few lines, for whoever watches the job.
std::string words_for(const run_report& report) {
  std::string words = std::to_string(report.products()) + " products, " +
                      std::to_string(report.images_embedded) + " images embedded, " +
                      std::to_string(report.images_failed) + " failed, " + std::to_string(report.rows_sent) +
                      " rows sent, " + std::to_string(report.rows_waiting) + " waiting\n";
  for (const auto& site : report.sites)
    for (const auto& text : site.errors) words += site.site + ": " + concealed(text) + "\n";
  return words;
}

}  // namespace

result<std::vector<scheduled_job>> scheduled_jobs(const config::schedule_settings& settings) {
  const auto zone =
      settings.timezone.text.empty() ? time_zone::of_system() : time_zone::find(settings.timezone.text);
  if (!zone) return zone.error();
  std::vector<scheduled_job> jobs;
  for (const auto& job : settings.jobs) {
    const auto cron = cron_expression::parse(job.cron.text);
    if (!cron) return cron.error();
    jobs.push_back({job.name, *cron, *zone, std::chrono::floor<std::chrono::seconds>(job.jitter),
                    job.catch_up, job.overlap, job.enabled});
  }
  return jobs;
}

scheduler::scheduler(application& app, catwalk::schedule decided)
    : app_(app),
      schedule_(std::move(decided)),
      timer_(app.loop()),
      pings_(app.loop().get_executor(), app.settings().fetch),
      tasks_(app.loop().get_executor()) {}

result<std::unique_ptr<scheduler>> scheduler::make(
    application& app, const std::map<std::string, std::vector<sys_seconds>>& fired,
    const std::map<std::string, sys_seconds>& interrupted) {
  auto jobs = scheduled_jobs(app.settings().schedule);
  if (!jobs) return jobs.error();
  return std::unique_ptr<scheduler>(
      new scheduler(app, catwalk::schedule(std::move(*jobs), fired, now_in_seconds(), interrupted)));
}

void scheduler::start() {
  tasks_.spawn("schedule", tick());
}

asio::awaitable<void> scheduler::stop() {
  stopping_ = true;
  timer_.cancel();
  co_await tasks_.join();
  co_await pings_.stop();
}

asio::awaitable<void> scheduler::tick() {
  // The wall clock may be set at any time: look at it once a minute at least.
  constexpr auto longest_sleep = std::chrono::seconds(60);
  while (!stopping_) {
    const auto now = now_in_seconds();
    carry_out(schedule_.tick(now));
    const auto until =
        wake_at_ ? std::clamp<std::chrono::seconds>(*wake_at_ - now, std::chrono::seconds(1), longest_sleep)
                 : longest_sleep;
    timer_.expires_after(until);
    co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

void scheduler::carry_out(const catwalk::schedule::decision& decided) {
  const auto& jobs = app_.settings().schedule.jobs;
  for (const auto& skipped : decided.skip)
    spdlog::warn("job {}: a slot is left out: {}", skipped.job, words(skipped.why));
  for (const auto& firing : decided.fire) {
    const auto job =
        std::find_if(jobs.begin(), jobs.end(), [&](const auto& j) { return j.name == firing.job; });
    if (job == jobs.end() || stopping_) continue;
    if (firing.goes_on)
      spdlog::info(
          "job {}: its run was interrupted and {}", firing.job,
          job->on_restart == config::job_settings::restart_policy::resume ? "goes on" : "starts over");
    else if (firing.makes_up)
      spdlog::info("job {}: makes up for a slot that was missed", firing.job);
    tasks_.spawn("job " + firing.job, run_job(*job, firing));
  }
  wake_at_ = decided.wake_at;
  publish_next_runs();
}

asio::awaitable<void> scheduler::run_job(const config::job_settings& job, catwalk::schedule::firing firing) {
  run_request request;
  request.job = job.name;
  request.slot = std::chrono::time_point_cast<std::chrono::milliseconds>(firing.slot);
  auto sites = app_.paused().left_of(job.sites, app_.loaded().sites);
  if (!sites) {
    spdlog::warn("job {}: a slot is left out: every site of it is paused", job.name);
    if (!stopping_) carry_out(schedule_.finished(job.name, now_in_seconds()));
    timer_.cancel();
    co_return;
  }
  request.sites = std::move(*sites);
  request.sync = job.sync;
  request.timeout = job.timeout;
  // A run that goes on asks for what it read already with its validators; one that starts over reads all
  // anew.
  request.read.refresh = firing.goes_on && job.on_restart == config::job_settings::restart_policy::restart;
  // The writer goes on by itself: a sink that is away holds no job up.
  request.sink_wait = std::chrono::milliseconds(0);
  pings_.started(job);
  const auto report = co_await app_.runs().run(std::move(request));
  if (!report) spdlog::error("job {}: {}", job.name, report.error().to_string());
  // An interrupted run goes on after the restart: it neither succeeded nor failed.
  if (!report || !report->interrupted)
    pings_.ended(job, report && report->complete(), report ? words_for(*report) : report.error().to_string());
  if (stopping_) co_return;
  carry_out(schedule_.finished(job.name, now_in_seconds()));
  timer_.cancel();
}

void scheduler::publish_next_runs() {
  for (const auto& site : app_.loaded().sites) {
    std::optional<sys_seconds> next;
    for (const auto& job : app_.settings().schedule.jobs) {
      const bool reads_it =
          job.sites.empty() || std::find(job.sites.begin(), job.sites.end(), site.name) != job.sites.end();
      const auto due = reads_it ? schedule_.next_due(job.name) : std::nullopt;
      if (due && (!next || *due < *next)) next = due;
    }
    app_.note_next_run(site.name, next);
  }
}

}  // namespace catwalk::daemon
