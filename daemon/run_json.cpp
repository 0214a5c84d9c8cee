#include "daemon/run_json.hpp"

#include <algorithm>
#include <regex>

#include "daemon/time_text.hpp"
#include "storage/run_rows.hpp"

namespace catwalk::daemon {

namespace {

using nlohmann::json;

struct counted {
  const char* name;    ///< in the API
  const char* member;  ///< in a site's report
};
constexpr counted product_counts[] = {{"products", "products"},     {"new", "added"},
                                      {"changed", "changed"},       {"unchanged", "unchanged"},
                                      {"reappeared", "reappeared"}, {"gone", "gone"}};
constexpr const char* run_counts[] = {"images_embedded", "images_failed", "rows_sent", "rows_dead",
                                      "rows_waiting"};

std::int64_t number(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_number() ? found->get<std::int64_t>() : 0;
}

json object_of(const std::string& text) {
  auto parsed = json::parse(text, nullptr, false);
  return parsed.is_object() ? parsed : json::object();
}

json list_of(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_array() ? *found : json::array();
}

std::int64_t skipped_of(const json& site) {
  std::int64_t n = 0;
  if (const auto reasons = site.find("skipped"); reasons != site.end() && reasons->is_object())
    for (const auto& [reason, count] : reasons->items())
      n += count.is_number() ? count.get<std::int64_t>() : 0;
  return n;
}

/// The `ProductCounts` of one site's report.
json counts_of(const json& site) {
  json counts = json::object();
  for (const auto& c : product_counts) counts[c.name] = number(site, c.member);
  counts["skipped"] = skipped_of(site);
  return counts;
}

/// The numbers that two runs are compared by.
json totals_of(const json& report) {
  json totals = json::object();
  for (const auto& c : product_counts) totals[c.name] = 0;
  totals["skipped"] = 0;
  for (const auto& site : list_of(report, "sites")) {
    const auto counts = counts_of(site);
    for (const auto& [name, count] : counts.items())
      totals[name] = totals[name].get<std::int64_t>() + count.get<std::int64_t>();
  }
  for (const auto* name : run_counts) totals[name] = number(report, name);
  return totals;
}

std::vector<std::string> errors_of(const told_run& run) {
  std::vector<std::string> errors;
  const auto kept = json::parse(run.kept.summary.errors_json, nullptr, false);
  if (kept.is_array())
    for (const auto& text : kept)
      if (text.is_string()) errors.push_back(text.get<std::string>());
  if (!run.kept.summary.finished)  // the catalogue gets them at the end
    for (const auto& site : list_of(run.report, "sites"))
      for (const auto& text : list_of(site, "errors"))
        errors.push_back(site.value("site", "") + ": " + text.get<std::string>());
  return errors;
}

json seconds_of(const told_run& run, wall_time now) {
  const auto& summary = run.kept.summary;
  if (summary.state == storage::run_state::running) {
    const auto so_far = std::chrono::duration<double>(now - summary.started).count();
    return std::max(0.0, so_far);
  }
  const auto found = run.report.find("seconds");
  return found != run.report.end() && found->is_number() ? *found : json();
}

std::vector<std::string> sites_of(const json& report) {
  std::vector<std::string> names;
  for (const auto& site : list_of(report, "sites")) names.push_back(site.value("site", ""));
  return names;
}

json run_site_json(const json& site) {
  auto j = counts_of(site);
  j["site"] = site.value("site", "");
  for (const auto* name :
       {"pages", "pages_unchanged", "endpoints", "endpoints_complete", "missed", "held_back"})
    j[name] = number(site, name);
  j["limited"] = site.value("limited", false);
  j["blocked"] = site.contains("blocked") ? site["blocked"] : json();
  j["errors"] = list_of(site, "errors");
  j["seconds"] = site.contains("seconds") ? site["seconds"] : json();
  return j;
}

json skip_groups_of(const json& report) {
  auto groups = json::array();
  for (const auto& site : list_of(report, "sites")) {
    const auto reasons = site.find("skipped");
    if (reasons == site.end() || !reasons->is_object()) continue;
    const auto examples = site.value("examples", json::object());
    for (const auto& [reason, count] : reasons->items())
      groups.push_back({{"site", site.value("site", "")},
                        {"reason", reason},
                        {"count", count},
                        {"example", examples.contains(reason) ? examples[reason] : json()}});
  }
  return groups;
}

json stages_of(const json& report) {
  auto stages = json::array();
  for (const auto* name : {"pages", "sync", "images", "sink"})
    if (const auto found = report.find(std::string(name) + "_seconds"); found != report.end())
      stages.push_back({{"name", name}, {"seconds", *found}});
  return stages;
}

json difference(const told_run& run, const told_run& before, wall_time now) {
  auto j = totals_of(run.report);
  const auto theirs = totals_of(before.report);
  for (auto& [name, count] : j.items()) count = count.get<std::int64_t>() - theirs[name].get<std::int64_t>();
  j.erase("rows_waiting");
  j["errors"] =
      static_cast<std::int64_t>(errors_of(run).size()) - static_cast<std::int64_t>(errors_of(before).size());
  const auto mine = seconds_of(run, now), other = seconds_of(before, now);
  j["seconds"] =
      mine.is_number() && other.is_number() ? json(mine.get<double>() - other.get<double>()) : json();
  j["id"] = before.kept.summary.id;
  j["started"] = time_text(before.kept.summary.started);
  return j;
}

}  // namespace

told_run told(storage::listed_run kept, const std::vector<run_under_way>& live) {
  for (const auto& run : live)
    if (run.report->run == kept.summary.id) return {std::move(kept), to_json(*run.report)};
  auto report = object_of(kept.summary.counts_json);
  return {std::move(kept), std::move(report)};
}

json run_json(const told_run& run, wall_time now) {
  const auto& summary = run.kept.summary;
  auto j = totals_of(run.report);
  j.update({{"id", summary.id},
            {"job", summary.job},
            {"slot", time_json(run.kept.slot)},
            {"state", storage::name_of(summary.state)},
            {"started", time_text(summary.started)},
            {"finished", time_json(summary.finished)},
            {"seconds", seconds_of(run, now)},
            {"sites", sites_of(run.report)},
            {"errors", errors_of(run).size()}});
  return j;
}

json run_detail_json(const told_run& run, const std::optional<told_run>& before, wall_time now) {
  auto j = run_json(run, now);
  auto by_site = json::array();
  for (const auto& site : list_of(run.report, "sites")) by_site.push_back(run_site_json(site));
  j["by_site"] = std::move(by_site);
  j["error_groups"] = error_groups(errors_of(run), sites_of(run.report));
  j["skip_groups"] = skip_groups_of(run.report);
  j["stages"] = run.kept.summary.finished ? stages_of(run.report) : json::array();
  j["previous"] = before ? difference(run, *before, now) : json();
  j["timed_out"] = run.report.value("timed_out", false);
  return j;
}

json site_run_json(const storage::run_summary& run, const std::string& site) {
  for (const auto& one : list_of(object_of(run.counts_json), "sites")) {
    if (one.value("site", "") != site) continue;
    auto j = counts_of(one);
    j.update({{"id", run.id},
              {"job", run.job},
              {"state", storage::name_of(run.state)},
              {"started", time_text(run.started)},
              {"finished", time_json(run.finished)},
              {"errors", list_of(one, "errors")}});
    return j;
  }
  return nullptr;
}

json running_run_json(const run_under_way& run, const image_counts& images, std::int64_t images_pending,
                      const storage::writer_status* rows, steady_time now) {
  const auto& report = *run.report;
  auto sites = json::array();
  for (const auto& site : report.sites) {
    int skipped = 0;
    for (const auto& [reason, n] : site.skipped) skipped += n;
    const auto* state = !site.ended ? "reading" : site.errors.empty() ? "done" : "failed";
    sites.push_back({{"name", site.site},
                     {"state", state},
                     {"pages", site.pages},
                     {"products", site.products},
                     {"new", site.added},
                     {"changed", site.changed},
                     {"unchanged", site.unchanged},
                     {"skipped", skipped},
                     {"errors", site.errors.size()}});
  }
  return {{"id", report.run},
          {"job", run.job},
          {"started", time_text(run.started)},
          {"seconds", std::chrono::duration<double>(now - run.began).count()},
          {"stage", name_of(run.stage)},
          {"cancelling", run.cancelling},
          {"products", report.products()},
          {"new", report.sum(&site_report::added)},
          {"changed", report.sum(&site_report::changed)},
          {"unchanged", report.sum(&site_report::unchanged)},
          {"skipped", report.skipped()},
          {"images_embedded", images.embedded - run.images_before.embedded},
          {"images_failed", images.failed - run.images_before.failed},
          {"images_pending", images_pending},
          {"rows_sent", rows != nullptr ? rows->sent - run.rows_before.sent : 0},
          {"sites", std::move(sites)}};
}

std::string without_particulars(const std::string& text) {
  static const std::regex address("https?://[^\\s,;)]*[^\\s,;):.]", std::regex::icase);
  static const std::regex quoted("\"[^\"]*\"|'[^']*'");
  static const std::regex long_number("[0-9]{4,}");
  auto rest = std::regex_replace(text.substr(0, 2000), address, "…");
  rest = std::regex_replace(rest, quoted, "…");
  return std::regex_replace(rest, long_number, "…");
}

json error_groups(const std::vector<std::string>& errors, const std::vector<std::string>& sites) {
  struct group {
    json site;
    std::string message, example;
    int count = 0;
  };
  std::vector<group> groups;
  for (const auto& text : errors) {
    const auto named = std::find_if(sites.begin(), sites.end(),
                                    [&](const std::string& site) { return text.starts_with(site + ": "); });
    const json site = named == sites.end() ? json() : json(*named);
    const auto words = named == sites.end() ? text : text.substr(named->size() + 2);
    auto message = without_particulars(words);
    auto found = std::find_if(groups.begin(), groups.end(),
                              [&](const group& g) { return g.site == site && g.message == message; });
    if (found == groups.end()) found = groups.insert(groups.end(), {site, std::move(message), words, 0});
    ++found->count;
  }
  std::stable_sort(groups.begin(), groups.end(),
                   [](const group& a, const group& b) { return a.count > b.count; });
  auto list = json::array();
  for (const auto& g : groups)
    list.push_back({{"site", g.site}, {"message", g.message}, {"count", g.count}, {"example", g.example}});
  return list;
}

}  // namespace catwalk::daemon
