#include "config/change_list.hpp"

#include <algorithm>
#include <map>
#include <sstream>

#include "config/reference.hpp"

namespace catwalk::config {
namespace {

std::string value_of(const loaded& of, const key_description& key) {
  const auto found = of.written.find(key.key);
  if (found != of.written.end()) return found->second;
  return key.default_text.empty() ? "unset" : key.default_text;
}

/// A secret's source may stay while what it gives changes.
std::map<std::string, std::string> secrets_of(const settings& s) {
  return {{"http.token", s.http.token.reveal()},
          {"embed.remote.token", s.embed.remote.token.reveal()},
          {"embed.hub.token", s.embed.hub.token.reveal()},
          {"sink.url", s.sink.url.reveal()},
          {"sink.key", s.sink.key.reveal()},
          {"notify.secret", s.notify.signing_secret.reveal()}};
}

using texts_by_name = std::map<std::string, std::string>;

texts_by_name sites_of(const loaded& of) {
  texts_by_name hashes;
  for (const auto& site : of.sites) hashes[site.name] = site.stanza_hash;
  return hashes;
}

/// What a job is, wherever it stands in the file.
texts_by_name jobs_of(const loaded& of) {
  texts_by_name texts;
  for (const auto& job : of.values.schedule.jobs) {
    std::ostringstream text;
    text << job.cron.text;
    for (const auto& site : job.sites) text << '\n' << site;
    text << '\n'
         << job.sync << ' ' << job.jitter.count() << ' ' << job.catch_up << ' '
         << static_cast<int>(job.overlap) << ' ' << job.timeout.count() << ' ' << job.enabled << ' '
         << static_cast<int>(job.on_restart) << ' ' << job.ping_url;
    texts[job.name] = text.str();
  }
  return texts;
}

void add_named(std::vector<std::string>& list, const std::string& what, const texts_by_name& before,
               const texts_by_name& after) {
  const auto add = [&](const std::string& name, const char* how) {
    list.emplace_back(what).append(" ").append(name).append(": ").append(how);
  };
  for (const auto& [name, text] : before) {
    const auto now = after.find(name);
    if (now == after.end())
      add(name, "removed");
    else if (now->second != text)
      add(name, "changed");
  }
  for (const auto& [name, text] : after)
    if (!before.contains(name)) add(name, "added");
}

/// The line of one key. Headers may hold keys.
std::string change_of(const std::string& key, const std::string& was, const std::string& is) {
  return key + (key == "sink.headers" || was == is ? ": changed" : ": " + was + " -> " + is);
}

}  // namespace

std::vector<std::string> changes(const loaded& before, const loaded& after, const shown_value& shown) {
  std::vector<std::string> list;
  const auto was = secrets_of(before.values), is = secrets_of(after.values);
  for (const auto& key : known_settings()) {
    if (key.key.starts_with("schedule.jobs")) continue;  // each has its line below
    if (const auto secret = was.find(key.key); secret != was.end()) {
      if (secret->second != is.at(key.key)) list.push_back(key.key + ": changed");
      continue;
    }
    const auto old_value = value_of(before, key), new_value = value_of(after, key);
    if (old_value == new_value) continue;
    list.push_back(change_of(key.key, shown(old_value), shown(new_value)));
  }
  // Variables of the predecessor's that no key stands for.
  const auto& f = before.values.fetch;
  const auto& g = after.values.fetch;
  if (f.http_proxy != g.http_proxy || f.https_proxy != g.https_proxy || f.no_proxy != g.no_proxy)
    list.emplace_back("the proxies: changed");
  if (f.insecure_ssl != g.insecure_ssl) list.emplace_back("INSECURE_SSL: changed");

  add_named(list, "job", jobs_of(before), jobs_of(after));
  add_named(list, "site", sites_of(before), sites_of(after));
  return list;
}

}  // namespace catwalk::config
