#include "config/change_list.hpp"

#include <algorithm>
#include <map>

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

std::map<std::string, std::string> sites_of(const loaded& of) {
  std::map<std::string, std::string> hashes;
  for (const auto& site : of.sites) hashes[site.name] = site.stanza_hash;
  return hashes;
}

}  // namespace

std::vector<std::string> changes(const loaded& before, const loaded& after) {
  std::vector<std::string> list;
  const auto was = secrets_of(before.values), is = secrets_of(after.values);
  for (const auto& key : known_settings()) {
    if (key.key.find("[]") != std::string::npos) continue;  // part of schedule.jobs
    if (const auto secret = was.find(key.key); secret != was.end()) {
      if (secret->second != is.at(key.key)) list.push_back(key.key + ": changed");
      continue;
    }
    const auto old_value = value_of(before, key), new_value = value_of(after, key);
    if (old_value == new_value) continue;
    // Headers may hold keys.
    list.push_back(key.key +
                   (key.key == "sink.headers" ? ": changed" : ": " + old_value + " -> " + new_value));
  }
  // Variables of the predecessor's that no key stands for.
  const auto& f = before.values.fetch;
  const auto& g = after.values.fetch;
  if (f.http_proxy != g.http_proxy || f.https_proxy != g.https_proxy || f.no_proxy != g.no_proxy)
    list.emplace_back("the proxies: changed");
  if (f.insecure_ssl != g.insecure_ssl) list.emplace_back("INSECURE_SSL: changed");

  const auto sites_before = sites_of(before), sites_after = sites_of(after);
  for (const auto& [name, hash] : sites_before) {
    const auto now = sites_after.find(name);
    if (now == sites_after.end())
      list.push_back("site " + name + ": removed");
    else if (now->second != hash)
      list.push_back("site " + name + ": changed");
  }
  for (const auto& [name, hash] : sites_after)
    if (!sites_before.count(name)) list.push_back("site " + name + ": added");
  return list;
}

}  // namespace catwalk::config
