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
      if (!in_a_section(name)) continue;
      const std::string near = nearest_key(name, known);
      warn(context_.found, value.where, name + " is no setting",
           near.empty() ? "docs/configuration.md lists them" : "did you mean '" + near + "'?");
    }
  }

  /// CATWALK_ is a prefix that build scripts use too: only names of sections are taken for settings.
  static bool in_a_section(const std::string& name) {
    return std::any_of(setting_table().begin(), setting_table().end(), [&](const setting& one) {
      const std::string& full = one.about.environment;
      const auto end = full.find('_', 8);
      return end != std::string::npos && name.compare(0, end + 1, full, 0, end + 1) == 0;
    });
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
