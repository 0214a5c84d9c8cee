#include "config/nearest_key.hpp"
#include "config/setting.hpp"

namespace catwalk::config {
namespace {

using namespace std::chrono_literals;

constexpr setting_maker<job_settings> make{false};

#define FIELD(member) ([](job_settings & j) -> auto& { return j.member; })

job_setting sites() {
  return make.row("schedule.jobs[].sites", "all, or a list of names", "all", "the sites to run, by name",
                  [](job_settings& j, const yaml_node& node, const std::string& name, reading& c) {
                    const auto names = read_texts(node, name, c.found);
                    if (!names) return;
                    j.sites.clear();
                    for (const auto& one : *names) {
                      // An empty list is all of them.
                      if (one.text == "all") return j.sites.clear();
                      j.sites.push_back(one.text);
                    }
                    if (j.sites.empty())
                      refuse(c.found, node.where, name + ": an empty list", "write all, or names");
                  });
}

template <class Policy, class Member>
job_setting policy(std::string key, Member member, std::vector<std::pair<std::string, Policy>> values,
                   std::string doc) {
  std::vector<std::string> valid;
  std::string type;
  for (const auto& [word, value] : values) {
    valid.push_back(word);
    type += (type.empty() ? "" : " | ") + word;
  }
  auto made = make.row(std::move(key), type, valid.front(), std::move(doc),
                       [=](job_settings& j, const yaml_node& node, const std::string& name, reading& c) {
                         const auto word = read_choice(node, name, valid, c.found);
                         for (const auto& [known, value] : values) {
                           if (word == known) member(j) = value;
                         }
                       });
  made.about.values = std::move(valid);
  return made;
}

std::vector<job_setting> build() {
  using overlap = job_settings::overlap_policy;
  using restart = job_settings::restart_policy;
  return {
      make.text("schedule.jobs[].name", FIELD(name), "the job's name; required, unique"),
      make.expression("schedule.jobs[].cron", FIELD(cron), "when, as cron writes it; required"),
      sites(),
      make.flag("schedule.jobs[].sync", FIELD(sync), "afterwards, rows whose product is gone leave the sink"),
      make.time("schedule.jobs[].jitter", FIELD(jitter), 0ms, 24h,
                "starts later by a random time up to this"),
      make.flag("schedule.jobs[].catch_up", FIELD(catch_up),
                "a run missed while catwalk was down is made up for"),
      policy<overlap>("schedule.jobs[].overlap", FIELD(overlap),
                      {{"skip", overlap::skip}, {"queue", overlap::queue}},
                      "what happens when the run before has not ended"),
      make.time("schedule.jobs[].timeout", FIELD(timeout), 1s, std::chrono::hours(24 * 30),
                "limit for one run"),
      make.flag("schedule.jobs[].enabled", FIELD(enabled), "false: kept, but never started"),
      policy<restart>("schedule.jobs[].on_restart", FIELD(on_restart),
                      {{"resume", restart::resume}, {"restart", restart::restart}},
                      "what a run does that a restart interrupted"),
      make.text("schedule.jobs[].ping_url", FIELD(ping_url),
                "sent a POST when a run starts and when it ended, for a dead man's switch"),
  };
}

#undef FIELD

job_settings read_job(const yaml_node& node, reading& context) {
  job_settings job;
  job.where = node.where;
  const std::string prefix = "schedule.jobs[].";
  for (const auto& entry : node.entries) {
    bool known = false;
    for (const auto& one : job_setting_table()) {
      if (one.about.key != prefix + entry.key) continue;
      known = true;
      if (entry.value->type != yaml_node::kind::null) one.apply(job, *entry.value, context);
    }
    if (known) continue;
    std::vector<std::string> names;
    for (const auto& one : job_setting_table()) names.push_back(one.about.key.substr(prefix.size()));
    refuse(context.found, entry.where, "unknown key " + shown_key(entry.key) + " in schedule.jobs[]",
           suggestion(key_alone(entry.key), names));
  }
  if (job.name.empty())
    refuse(context.found, node.where, "schedule.jobs[]: a job without a name", "add name: nightly");
  if (job.cron.text.empty()) {
    refuse(context.found, node.where, "schedule.jobs[]: a job without cron", "add cron: \"0 3 * * *\"");
  }
  return job;
}

}  // namespace

const std::vector<job_setting>& job_setting_table() {
  static const std::vector<job_setting> table = build();
  return table;
}

std::vector<job_settings> read_jobs(const yaml_node& node, reading& context) {
  std::vector<job_settings> jobs;
  if (node.type != yaml_node::kind::sequence) {
    refuse(context.found, node.where, "schedule.jobs: expected a list, " + description(node),
           "begin each job with a dash");
    return jobs;
  }
  for (const auto& item : node.items) {
    if (item->type != yaml_node::kind::mapping) {
      refuse(context.found, item->where, "schedule.jobs[]: expected a mapping, " + description(*item));
      continue;
    }
    jobs.push_back(read_job(*item, context));
  }
  return jobs;
}

}  // namespace catwalk::config
