#include "config/settings_check.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <set>
#include <string_view>

#include "config/header_name.hpp"
#include "config/letter_case.hpp"
#include "config/nearest_key.hpp"
#include "config/row_file_ending.hpp"
#include "config/yaml_value.hpp"

namespace catwalk::config {
namespace {

bool starts_with_any(std::string_view text, std::initializer_list<std::string_view> prefixes) {
  const std::string start = lower_case(text.substr(0, 16));
  return std::any_of(prefixes.begin(), prefixes.end(), [&](std::string_view p) {
    return start.compare(0, p.size(), p) == 0 && text.size() > p.size();
  });
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

/// "127.0.0.1:9817", "[::1]:9817", "localhost:0".
bool is_listen_address(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const std::string_view host = text.substr(0, colon), port = text.substr(colon + 1);
  unsigned number = 0;
  const auto [end, failure] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (failure != std::errc() || end != port.data() + port.size() || number > 65535) return false;
  if (host.front() == '[') {
    const std::string_view inside = host.substr(1, host.size() - 2);
    return host.back() == ']' && inside.find(':') != std::string_view::npos &&
           inside.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
  }
  return std::all_of(host.begin(), host.end(),
                     [](unsigned char c) { return std::isalnum(c) || c == '.' || c == '-'; });
}

class checker {
 public:
  checker(const settings& values, const std::vector<site>& sites, reading& context)
      : values_(values), sites_(sites), context_(context) {}

  void check() {
    http();
    jobs();
    fetch();
    embed();
    sink();
    notify();
    missing_secrets();
  }

 private:
  place where(std::string_view key) const {
    const auto found = context_.given.find(key);
    return found == context_.given.end() ? place{} : found->second;
  }
  void error(std::string_view key, std::string what, std::string hint = {}) {
    refuse(context_.found, where(key), std::string(key) + ": " + std::move(what), std::move(hint));
  }
  void web_address(std::string_view key, std::string_view value) {
    if (!starts_with_any(value, {"http://", "https://"}))
      error(key, "expected an http:// or https:// address");
  }
  /// Fails for a secret that is needed and absent, with the reason where reading it gave one.
  void need(const std::string& key, const secret& value, const std::string& for_what, const std::string& hint,
            const std::string& asked_by = "sink.kind") {
    if (!value.empty() || !context_.secrets_needed) return;
    if (const auto found = context_.missing_secrets.find(key); found != context_.missing_secrets.end()) {
      problem p = found->second;
      p.what += " (" + for_what + " needs it)";
      context_.found.push_back(std::move(p));
      context_.missing_secrets.erase(found);
    } else if (!already_refused(key)) {
      refuse(context_.found, where(context_.given.count(key) ? key : asked_by), for_what + " needs " + key,
             hint);
    }
  }
  /// A secret of the wrong form has its error already.
  bool already_refused(const std::string& key) const {
    return std::any_of(context_.found.begin(), context_.found.end(), [&](const problem& p) {
      return p.severity == problem::level::error && p.what.compare(0, key.size(), key) == 0;
    });
  }

  void http() {
    if (!is_listen_address(values_.http.listen)) {
      error("http.listen", "expected an address and a port, found '" + values_.http.listen + "'",
            "write it as 127.0.0.1:9817 or [::1]:9817");
    }
    for (const auto& host : values_.http.hosts)
      if (host.empty() || host.find_first_of("/@ ") != std::string::npos)
        error("http.hosts", "expected the name that a browser asks for, found '" + host + "'",
              "write it as catwalk.example");
  }

  void jobs() {
    std::set<std::string> names;
    std::vector<std::string> known;
    for (const auto& one : sites_) known.push_back(one.name);
    for (const auto& job : values_.schedule.jobs) {
      if (!job.name.empty() && !names.insert(lower_case(job.name)).second) {
        refuse(context_.found, job.where, "schedule.jobs[]: a second job named '" + job.name + "'",
               "names are unique; upper and lower case count as the same");
      }
      for (const auto& name : job.sites) {
        const bool exists = std::any_of(known.begin(), known.end(), [&](const std::string& k) {
          return lower_case(k) == lower_case(name);
        });
        if (exists) continue;
        const std::string near = nearest_key(name, known);
        refuse(context_.found, job.where, "job '" + job.name + "': no site is named '" + name + "'",
               !near.empty()   ? "did you mean '" + near + "'?"
               : known.empty() ? "no sites are loaded; see the setting sites"
                               : "the sites are " + joined(known));
      }
      if (!job.ping_url.empty() && !starts_with_any(job.ping_url, {"http://", "https://"})) {
        refuse(context_.found, job.where,
               "schedule.jobs[].ping_url: expected an http:// or https:// address");
      }
    }
  }

  void fetch() {
    const auto& fetch = values_.fetch;
    if (fetch.browser != "auto" && !starts_with_any(fetch.browser, {"http://", "ws://"})) {
      error("fetch.browser", "expected auto or an http:// or ws:// address", "");
    }
    for (const auto& [name, value] :
         {std::pair<const char*, const std::string&>{"HTTP_PROXY", fetch.http_proxy},
          std::pair<const char*, const std::string&>{"HTTPS_PROXY", fetch.https_proxy}}) {
      const bool scheme = value.find("://") != std::string::npos;
      // The value stays out of the message: it may hold a password.
      if (scheme && !starts_with_any(value, {"http://", "https://", "socks4://", "socks4a://", "socks5://",
                                             "socks5h://"})) {
        refuse(context_.found, where(name), std::string(name) + ": not a proxy's address",
               "write it as http://HOST:PORT or socks5://HOST:PORT");
      }
    }
  }

  void embed() {
    const auto& embed = values_.embed;
    const bool remote = embed.backend == "remote" || embed.fallback == "remote";
    if (remote && embed.remote.url.empty()) {
      const std::string_view key = embed.backend == "remote" ? "embed.backend" : "embed.fallback";
      // USE_RAILWAY_EMBEDDINGS has its own error, which names the predecessor's variable.
      const bool said = std::any_of(context_.found.begin(), context_.found.end(), [](const problem& p) {
        return p.what.find("RAILWAY_EMBEDDINGS_URL is not") != std::string::npos;
      });
      if (!said)
        error(key, "remote needs embed.remote.url", "set it, or the variable RAILWAY_EMBEDDINGS_URL");
    }
    if (!embed.remote.url.empty()) web_address("embed.remote.url", embed.remote.url);
    web_address("embed.hub.url", embed.hub.url);
    if (embed.fallback == embed.backend) {
      warn(context_.found, where("embed.fallback"), "embed.fallback is the backend itself and has no effect");
    }
    const bool cuda =
        embed.device == "cuda" ||
        (embed.device.rfind("cuda:", 0) == 0 && embed.device.size() > 5 && embed.device.size() < 8 &&
         embed.device.find_first_not_of("0123456789", 5) == std::string::npos);
    if (embed.device != "auto" && embed.device != "cpu" && !cuda) {
      error("embed.device", "expected auto, cpu or cuda:N, found '" + embed.device + "'");
    }
    if (embed.precision == "fp16" && embed.device == "cpu") {
      error("embed.precision", "fp16 works on CUDA only, and embed.device is cpu", "write auto");
    }
    if (embed.batch && embed.queue_items < *embed.batch) {
      warn(context_.found, where("embed.queue.items"),
           "embed.queue.items is below embed.batch: batches of " + std::to_string(*embed.batch) +
               " never fill");
    }
  }

  void sink() {
    const auto& sink = values_.sink;
    if (sink.kind == "supabase") {
      need("sink.url", sink.url, "sink.kind supabase", "set it, or the variable SUPABASE_URL");
      need("sink.key", sink.key, "sink.kind supabase", "set it, or the variable SUPABASE_KEY");
      if (!sink.url.empty()) {
        web_address("sink.url", sink.url.reveal());
        const std::string start = lower_case(sink.url.reveal().substr(0, 24));
        const bool own_machine = starts_with_any(start, {"http://127.", "http://localhost", "http://[::1]"});
        if (start.rfind("http://", 0) == 0 && !own_machine) {
          warn(context_.found, where("sink.url"), "sink.url: http:// sends the key and the rows unencrypted",
               "write https://");
        }
      }
    } else if (sink.kind == "postgres") {
      need("sink.url", sink.url, "sink.kind postgres", "set it to postgres://USER:PASSWORD@HOST/DATABASE");
      if (!sink.url.empty() && !starts_with_any(sink.url.reveal(), {"postgres://", "postgresql://"})) {
        error("sink.url", "expected a postgres:// address");
      }
    } else if (sink.kind == "file") {
      if (sink.path.empty())
        refuse(context_.found, where("sink.kind"), "sink.kind file needs sink.path", "");
      else if (!is_row_file(sink.path))
        error("sink.path", words_of_ending(sink.path), "name a file that ends in .jsonl, .csv or .npy");
    } else if (!context_.given.count("sink.kind") && !sink.url.empty()) {
      error("sink.url", "an address without sink.kind", "add sink.kind: supabase or sink.kind: postgres");
    }
    if (sink.table.empty()) error("sink.table", "expected a table's name, found nothing");
    for (const auto& [name, value] : sink.headers) {
      if (!is_header_name(name)) {
        error("sink.headers", "'" + name + "' cannot be a header's name");
      }
    }
    if (values_.sync.action == "mark" && (sink.layout == "2026-02")) {
      error("sync.action", "mark sets availability, and the layout 2026-02 has no such column",
            "write delete");
    }
  }

  void notify() {
    const auto& notify = values_.notify;
    if (notify.url.empty()) return;
    web_address("notify.url", notify.url);
    need("notify.secret", notify.signing_secret, "notify.url",
         "set the secret that the receiver checks signatures with", "notify.url");
  }

  void missing_secrets() {
    if (!context_.secrets_needed) return;
    for (const auto& [key, one] : context_.missing_secrets) {
      warn(context_.found, one.where, one.what + "; it stays unset", one.hint);
    }
  }

  const settings& values_;
  const std::vector<site>& sites_;
  reading& context_;
};

}  // namespace

void check_settings(const settings& values, const std::vector<site>& sites, reading& context) {
  checker(values, sites, context).check();
}

}  // namespace catwalk::config
