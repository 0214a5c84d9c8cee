#include "daemon/unsupported_settings.hpp"

#include <string>

namespace catwalk::daemon {
namespace {

using config::settings;
using level = config::problem::level;

/// A setting that is read, checked, and not acted upon by this version.
struct unsupported {
  const char* key;
  bool (*asked_for)(const settings&);  ///< the value asks for something that would have to be done
  level severity;
  const char* hint;
};

constexpr unsupported table[] = {
    {"http.token", [](const settings& s) { return !s.http.token.empty(); }, level::warning,
     "nothing that needs it is answered yet"},
    {"http.embed_public", [](const settings& s) { return s.http.embed_public; }, level::warning, ""},
    {"http.reload", [](const settings& s) { return s.http.reload; }, level::warning, "restart instead"},
    {"http.thumbnails", [](const settings& s) { return s.http.thumbnails != settings().http.thumbnails; },
     level::warning, ""},
    {"fetch.images.revalidate",
     [](const settings& s) { return s.fetch.images_revalidate != settings().fetch.images_revalidate; },
     level::warning, "an image is asked for again when its address changes"},
    {"fetch.browser", [](const settings& s) { return s.fetch.browser != "auto"; }, level::warning, ""},
    {"embed.backend", [](const settings& s) { return s.embed.backend == "remote"; }, level::error,
     "use embed.backend: local, and unset USE_RAILWAY_EMBEDDINGS"},
    {"embed.fallback", [](const settings& s) { return s.embed.fallback != "none"; }, level::warning,
     "an image whose vector fails is tried again later"},
    {"embed.precision", [](const settings& s) { return s.embed.precision == "int8"; }, level::error,
     "use auto"},
    {"embed.decode", [](const settings& s) { return s.embed.decode == "fast"; }, level::error, "use exact"},
    {"embed.text", [](const settings& s) { return s.embed.text == "on"; }, level::warning,
     "info_embedding stays empty"},
    {"search.memory", [](const settings& s) { return s.search.memory != settings().search.memory; },
     level::warning, ""},
    {"retention.runs", [](const settings& s) { return s.retention.runs != settings().retention.runs; },
     level::warning, "runs are kept"},
    {"retention.failures",
     [](const settings& s) { return s.retention.failures != settings().retention.failures; }, level::warning,
     "dead letters are kept"},
    {"retention.gone_products",
     [](const settings& s) { return s.retention.gone_products != settings().retention.gone_products; },
     level::warning, "products are kept"},
    {"notify.url", [](const settings& s) { return !s.notify.url.empty(); }, level::warning,
     "no event is posted"},
};

config::problem not_yet(level severity, const config::place& where, const std::string& what,
                        std::string hint) {
  const char* words = severity == level::error ? " is not supported yet by this version"
                                               : " has no effect yet in this version";
  return {severity, where, what + words, std::move(hint)};
}

void check_job(const config::job_settings& job, config::problems& found) {
  const std::string name = "job '" + job.name + "': ";
  if (!job.ping_url.empty()) found.push_back(not_yet(level::warning, job.where, name + "ping_url", ""));
  if (job.on_restart == config::job_settings::restart_policy::restart)
    found.push_back(not_yet(level::warning, job.where, name + "on_restart: restart",
                            "an interrupted run goes on where it stopped"));
}

}  // namespace

config::problems unsupported_settings(const config::loaded& loaded) {
  config::problems found;
  for (const auto& one : table) {
    if (!one.asked_for(loaded.values)) continue;
    const auto given = loaded.given.find(one.key);
    found.push_back(not_yet(one.severity, given == loaded.given.end() ? config::place{} : given->second,
                            one.key, one.hint));
  }
  for (const auto& job : loaded.values.schedule.jobs) check_job(job, found);
  return found;
}

}  // namespace catwalk::daemon
