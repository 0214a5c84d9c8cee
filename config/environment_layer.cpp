#include "config/environment_layer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>

#include "config/letter_case.hpp"
#include "config/nearest_key.hpp"
#include "config/setting.hpp"

namespace catwalk::config {
namespace {

const variable* find(const variables& layer, const std::string& name) {
  const auto found = layer.find(name);
  return found == layer.end() || found->second.value.empty() ? nullptr : &found->second;
}

class layers {
 public:
  layers(const variables& dotenv, const variables& process, settings& values, reading& context)
      : dotenv_(dotenv), process_(process), values_(values), context_(context) {}

  void apply() {
    decide_supabase();
    for (const variables* layer : {&dotenv_, &process_}) {
      apply_predecessor(*layer);
      apply_own(*layer);
    }
    switch_to_remote();
    proxies();
    insecure_ssl();
  }

 private:
  /// The variable of that name in the layer that wins.
  const variable* winning(const std::string& name) const {
    const variable* own = find(process_, name);
    return own ? own : find(dotenv_, name);
  }

  void set(const std::string& key, const variable& from) { set(key, from, from.value); }
  void set(const std::string& key, const variable& from, std::string value) {
    for (const auto& one : setting_table()) {
      if (one.about.key != key) continue;
      context_.given[key] = from.where;
      context_.lists_by_comma = true;
      one.apply(values_, scalar_node(std::move(value), from.where), context_);
      context_.lists_by_comma = false;
      return;
    }
  }

  /// Supabase's variables of the predecessor make `supabase` the kind where none is given, and are left alone
  /// where another is: they must not replace the address of a Postgres sink.
  void decide_supabase() {
    const variable* kind = winning("CATWALK_SINK_KIND");
    const bool given = kind || context_.given.count("sink.kind") > 0;
    const std::string effective = kind ? kind->value : given ? values_.sink.kind : "";
    const variable* url = winning("SUPABASE_URL");
    const variable* key = winning("SUPABASE_KEY");
    use_supabase_ = effective.empty() || effective == "supabase";
    if (!use_supabase_) {
      for (const auto& [name, one] : {std::pair{"SUPABASE_URL", url}, std::pair{"SUPABASE_KEY", key}}) {
        if (one)
          warn(context_.found, one->where, std::string(name) + " is not used: sink.kind is " + effective);
      }
    } else if (url && !given) {
      values_.sink.kind = "supabase";
      context_.given["sink.kind"] = url->where;
    } else if (key && !given) {
      warn(context_.found, key->where, "SUPABASE_KEY is not used: no sink is configured",
           "set SUPABASE_URL too");
    }
  }

  void apply_predecessor(const variables& layer) {
    static const std::array<std::pair<const char*, const char*>, 7> names{
        {{"SUPABASE_URL", "sink.url"},
         {"SUPABASE_KEY", "sink.key"},
         {"USER_AGENT", "fetch.user_agent"},
         {"EMBEDDINGS_MODEL", "embed.model"},
         {"RAILWAY_EMBEDDINGS_URL", "embed.remote.url"},
         {"HF_ENDPOINT", "embed.hub.url"},
         {"HF_TOKEN", "embed.hub.token"}}};
    for (const auto& [name, key] : names) {
      const variable* one = find(layer, name);
      if (!one || (std::string_view(key).substr(0, 5) == "sink." && !use_supabase_)) continue;
      set(key, *one);
    }
    if (const variable* timeout = find(layer, "EMBEDDINGS_TIMEOUT")) {
      double seconds = 0;
      const std::string& text = timeout->value;
      const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), seconds);
      if (failure != std::errc() || end != text.data() + text.size() ||
          !(seconds >= 0.1 && seconds <= 3600)) {
        refuse(context_.found, timeout->where,
               "EMBEDDINGS_TIMEOUT: expected seconds from 0.1 to 3600, found '" + text + "'");
      } else {
        set("embed.remote.timeout", *timeout, std::to_string(std::llround(seconds * 1000)) + "ms");
      }
    }
  }

  void apply_own(const variables& layer) {
    std::vector<std::string> known;
    for (const auto& one : setting_table()) {
      if (one.about.environment.empty()) continue;
      known.push_back(one.about.environment);
      if (const variable* v = find(layer, one.about.environment)) set(one.about.key, *v);
    }
    for (const auto& [name, value] : layer) {
      if (name.rfind("CATWALK_", 0) != 0 || std::find(known.begin(), known.end(), name) != known.end())
        continue;
      const auto section = section_of(name, known);
      auto meant = nearest_in(section, name, known);
      if (meant.empty()) meant = ending_alike(section, name, known);
      // CATWALK_ is a prefix that build scripts use too: what is near no setting, and in no section, is
      // theirs.
      if (meant.empty() && section == prefix) continue;
      std::string words;
      for (const auto& one : meant)
        words += (words.empty() ? "did you mean '" : &one == &meant.back() ? " or '" : ", '") + one + "'";
      warn(context_.found, value.where, name + " is no setting",
           words.empty() ? "docs/configuration.md lists them" : words + "?");
    }
  }

  static constexpr const char* prefix = "CATWALK_";

  /// "CATWALK_SINK_" for CATWALK_SINK_TABEL, and for CATWALK_SNIK_TABLE, whose other words are right;
  /// the bare prefix where the name is in no section.
  static std::string section_of(const std::string& name, const std::vector<std::string>& known) {
    const std::size_t start = std::string_view(prefix).size();
    const auto end = name.find('_', start);
    if (end == std::string::npos) return prefix;
    std::vector<std::string> sections;
    for (const auto& one : known)
      if (const auto at = one.find('_', start); at != std::string::npos)
        sections.push_back(one.substr(start, at - start));
    const auto word = name.substr(start, end - start);
    if (std::find(sections.begin(), sections.end(), word) != sections.end()) return prefix + word + "_";
    const auto near = nearest_key(word, sections);
    const auto slip = near.empty() ? std::string() : prefix + near + name.substr(end);
    return std::find(known.begin(), known.end(), slip) == known.end() ? prefix : prefix + near + "_";
  }

  /// The setting of that section whose name, without the section's, is a slip away; at most one.
  static std::vector<std::string> nearest_in(const std::string& section, const std::string& name,
                                             const std::vector<std::string>& known) {
    if (section == prefix) return {};
    std::vector<std::string> within;
    for (const auto& one : known)
      if (one.rfind(section, 0) == 0) within.push_back(one.substr(section.size()));
    const auto near = nearest_key(name.substr(name.find('_', std::string_view(prefix).size()) + 1), within);
    return near.empty() ? std::vector<std::string>() : std::vector<std::string>{section + near};
  }

  /// The settings that end in the name's last words, the more words the better, those of its section before
  /// others. A name in no section must be such words altogether, as CATWALK_LISTEN is.
  static std::vector<std::string> ending_alike(const std::string& section, const std::string& name,
                                               const std::vector<std::string>& known) {
    const auto ending_in = [&](const std::string& words, const std::string& start) {
      std::vector<std::string> alike;
      for (const auto& one : known) {
        const bool ends =
            one.size() > words.size() && one.compare(one.size() - words.size(), words.size(), words) == 0;
        if (ends && one.rfind(start, 0) == 0) alike.push_back(one);
      }
      return alike;
    };
    for (auto at = name.find('_'); at != std::string::npos; at = name.find('_', at + 1)) {
      for (const std::string& start : {section, std::string(prefix)})
        if (auto alike = ending_in(name.substr(at), start); !alike.empty()) return alike;
      if (section == prefix) break;
    }
    return {};
  }

  void switch_to_remote() {
    const variable* use = winning("USE_RAILWAY_EMBEDDINGS");
    if (!use) return;
    const std::string word = lower_case(use->value);
    if (word != "true" && word != "1" && word != "yes") {
      if (word != "false" && word != "0" && word != "no") {
        warn(context_.found, use->where,
             "USE_RAILWAY_EMBEDDINGS counts as false: it is none of true, 1, yes");
      }
      return;
    }
    if (!winning("CATWALK_EMBED_BACKEND")) set("embed.backend", *use, "remote");
    if (values_.embed.backend == "remote" && values_.embed.remote.url.empty()) {
      refuse(context_.found, use->where, "USE_RAILWAY_EMBEDDINGS is set, RAILWAY_EMBEDDINGS_URL is not",
             "set RAILWAY_EMBEDDINGS_URL to the service's address");
    }
  }

  void proxies() {
    struct target {
      const char* name;
      std::string* value;
    };
    for (const auto& [name, value] :
         {target{"HTTP_PROXY", &values_.fetch.http_proxy}, target{"HTTPS_PROXY", &values_.fetch.https_proxy},
          target{"NO_PROXY", &values_.fetch.no_proxy}}) {
      // Lower case wins, as in curl and Python, but not across the layers.
      for (const variables* layer : {&dotenv_, &process_}) {
        const variable* one = find(*layer, lower_case(name));
        if (!one) one = find(*layer, name);
        if (!one) continue;
        *value = one->value;
        context_.given[name] = one->where;
      }
    }
  }

  void insecure_ssl() {
    const variable* insecure = winning("INSECURE_SSL");
    if (!insecure) return;
    const auto on = read_flag(scalar_node(insecure->value, insecure->where), "INSECURE_SSL", context_.found);
    values_.fetch.insecure_ssl = on.value_or(false);
    if (on.value_or(false)) {
      warn(context_.found, insecure->where, "INSECURE_SSL: certificates of shops are not checked",
           "unset it when the shop's certificate is good again; the sink's is always checked");
    }
  }

  const variables& dotenv_;
  const variables& process_;
  settings& values_;
  reading& context_;
  bool use_supabase_ = false;
};

}  // namespace

void apply_environment(const variables& dotenv, const variables& process, settings& values,
                       reading& context) {
  layers(dotenv, process, values, context).apply();
}

}  // namespace catwalk::config
