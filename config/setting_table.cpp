#include <cctype>
#include <memory>

#include "config/setting.hpp"
#include "config/split.hpp"
#include "config/trimmed.hpp"

namespace catwalk::config {
namespace {

using namespace std::chrono_literals;

constexpr duration a_year = std::chrono::hours(24 * 365);
constexpr bytes a_gigabyte = 1'000'000'000;
constexpr bytes unlimited = 1'000'000'000'000'000;

constexpr setting_maker<settings> make;

/// The field of `settings` that a row fills.
#define FIELD(member) ([](settings & s) -> auto& { return s.member; })

/// A list of texts; `valid` empty: any.
template <class Member>
setting texts(std::string key, Member member, std::vector<std::string> valid, std::string doc) {
  settings fresh;
  std::string shown;
  for (const auto& one : member(fresh)) shown += (shown.empty() ? "" : ", ") + one;
  const std::string type = valid.empty() ? "list of texts" : "list";
  setting made = make.row(
      std::move(key), type, "[" + shown + "]", std::move(doc),
      [member, valid](settings& s, const yaml_node& node, const std::string& name, reading& c) {
        yaml_node list = node;
        if (c.lists_by_comma) {
          list.type = yaml_node::kind::sequence;
          for (auto& item : split(node.text, ','))
            list.items.push_back(std::make_shared<yaml_node>(scalar_node(std::move(item), node.where)));
        }
        const auto read = read_texts(list, name, c.found);
        if (!read) return;
        std::vector<std::string> values;
        for (const auto& one : *read) {
          const yaml_node item = scalar_node(one.text, one.where);
          const auto value =
              valid.empty() ? read_line(item, name, c.found) : read_choice(item, name, valid, c.found);
          if (value && !value->empty()) values.push_back(*value);
        }
        member(s) = std::move(values);
      });
  made.about.values = std::move(valid);
  return made;
}

template <class Member>
setting number_or_auto(std::string key, Member member, std::string fallback, std::string doc) {
  setting made = make.row(std::move(key), "auto, or a whole number", std::move(fallback), std::move(doc),
                          [member](settings& s, const yaml_node& node, const std::string& name, reading& c) {
                            if (node.type == yaml_node::kind::scalar && node.text == "auto") {
                              member(s).reset();
                            } else if (auto value = read_integer(node, name, 1, 1024, c.found)) {
                              member(s) = static_cast<int>(*value);
                            }
                          });
  made.about.between = {1, 1024};
  return made;
}

setting fraction() {
  setting made = make.row("sync.max_delete_fraction", "number from 0 to 1", "0.3",
                          "a run that would delete more than this part of a site's rows deletes none",
                          [](settings& s, const yaml_node& node, const std::string& name, reading& c) {
                            if (auto value = read_number(node, name, 0, 1, c.found))
                              s.sync.max_delete_fraction = *value;
                          });
  made.about.between = {0, 1};
  return made;
}

/// Names and texts; only in the file.
setting headers() {
  setting made =
      make.row("sink.headers", "mapping", "{}", "headers sent to the sink beside its own",
               [](settings& s, const yaml_node& node, const std::string& name, reading& c) {
                 if (node.type != yaml_node::kind::mapping) {
                   refuse(c.found, node.where, name + ": expected a mapping, " + description(node));
                   return;
                 }
                 s.sink.headers.clear();
                 for (const auto& entry : node.entries) {
                   const auto value = read_line(*entry.value, name + "." + entry.key, c.found);
                   if (value) s.sink.headers[entry.key] = *value;
                 }
               });
  made.about.environment.clear();
  return made;
}

/// What an environment variable writes as `a=b,c=null`; nullopt with a problem where it is none.
std::optional<yaml_node> mapping_by_comma(const yaml_node& node, const std::string& name, reading& c) {
  yaml_node mapping = node;
  mapping.type = yaml_node::kind::mapping;
  for (const auto& item : split(node.text, ',')) {
    const auto equals = item.find('=');
    std::string key(trimmed(std::string_view(item).substr(0, equals)));
    if (equals == std::string::npos || key.empty())
      return refuse(
          c.found, node.where,
          std::string(name).append(": expected auto or FIELD=COLUMN, found '").append(item).append("'"),
          "write it as image_embedding=embedding,info_embedding=null");
    auto value = std::make_shared<yaml_node>(
        scalar_node(std::string(trimmed(std::string_view(item).substr(equals + 1))), node.where));
    if (value->text.empty() || value->text == "null") value->type = yaml_node::kind::null;
    mapping.entries.push_back({std::move(key), node.where, std::move(value)});
  }
  return mapping;
}

setting columns() {
  return make.row("sink.columns", "auto, or a mapping", "auto",
                  "auto: what the table has; or field to column, null leaves a field out",
                  [](settings& s, const yaml_node& written, const std::string& name, reading& c) {
                    s.sink.columns.clear();
                    if (written.type == yaml_node::kind::scalar && written.text == "auto") return;
                    const auto node = c.lists_by_comma ? mapping_by_comma(written, name, c) : written;
                    if (!node) return;
                    if (node->type != yaml_node::kind::mapping) {
                      refuse(c.found, node->where,
                             name + ": expected auto or a mapping, " + description(*node),
                             "write it as { image_embedding: embedding, info_embedding: null }");
                      return;
                    }
                    for (const auto& entry : node->entries) {
                      auto& column = s.sink.columns[entry.key];
                      if (entry.value->type == yaml_node::kind::null) continue;
                      column = read_line(*entry.value, name + "." + entry.key, c.found);
                    }
                  });
}

setting jobs() {
  setting made =
      make.row("schedule.jobs", "list of jobs", "[]", "what runs when; each entry takes the keys below",
               [](settings& s, const yaml_node& node, const std::string&, reading& c) {
                 s.schedule.jobs = read_jobs(node, c);
               });
  made.about.environment.clear();
  return made;
}

std::vector<setting> build() {
  const std::vector<std::string> backends{"local", "remote"};
  return {
      make.path(
          "state.dir", FIELD(state.dir),
          "where catwalk keeps its database; auto: $STATE_DIRECTORY, else /var/lib/catwalk for root and "
          "with /etc/catwalk/catwalk.yaml, $XDG_STATE_HOME/catwalk otherwise"),
      make.size("state.min_free", FIELD(state.min_free), 0, unlimited,
                "below this much free disk, intake pauses"),
      make.path("sites", FIELD(sites), "the file with the sites; the predecessor's format, and more"),
      make.text("http.listen", FIELD(http.listen), "address and port of the dashboard, the API and /metrics"),
      make.confidential("http.token", FIELD(http.token),
                        "what the API asks for; made at first start when unset"),
      make.flag("http.embed_public", FIELD(http.embed_public),
                "opens POST /embed without the token, rate-limited"),
      make.flag("http.reload", FIELD(http.reload), "permits POST /-/reload"),
      make.size("http.thumbnails", FIELD(http.thumbnails), 0, unlimited,
                "disk for the dashboard's thumbnails"),
      texts("http.hosts", FIELD(http.hosts), {},
            "names accepted in Host besides localhost, 127.0.0.1, [::1] and the listen address"),
      make.expression("schedule.timezone", FIELD(schedule.timezone),
                      "IANA name, as Europe/Prague; unset: the system's"),
      jobs(),
      make.text("fetch.user_agent", FIELD(fetch.user_agent),
                "User-Agent for pages; a site's own headers win"),
      make.flag("fetch.robots", FIELD(fetch.robots),
                "heed robots.txt; a site's respect_robots wins for that site"),
      make.integer("fetch.pages.concurrency", FIELD(fetch.pages.concurrency), 1, 1024,
                   "pages in flight, all shops"),
      make.integer("fetch.pages.per_host", FIELD(fetch.pages.per_host), 1, 256,
                   "pages in flight for one host"),
      make.time("fetch.pages.delay", FIELD(fetch.pages.delay), 0ms, 1h,
                "pause between two pages of one host"),
      make.time("fetch.pages.timeout", FIELD(fetch.pages.timeout), 100ms, 1h, "limit for one page"),
      make.size("fetch.pages.max_bytes", FIELD(fetch.pages.max_bytes), 1000, a_gigabyte,
                "limit for one page's body"),
      make.integer("fetch.images.concurrency", FIELD(fetch.images.concurrency), 1, 1024,
                   "images in flight, all hosts"),
      make.integer("fetch.images.per_host", FIELD(fetch.images.per_host), 1, 256,
                   "images in flight for one host"),
      make.time("fetch.images.delay", FIELD(fetch.images.delay), 0ms, 1h,
                "pause between two images of one host"),
      make.time("fetch.images.timeout", FIELD(fetch.images.timeout), 100ms, 1h, "limit for one image"),
      make.size("fetch.images.max_bytes", FIELD(fetch.images.max_bytes), 1000, a_gigabyte,
                "limit for one image's file"),
      make.integer("fetch.images.max_pixels", FIELD(fetch.images_max_pixels), 1000, 1'000'000'000,
                   "an image with more pixels is refused before it is decoded"),
      make.time("fetch.images.revalidate", FIELD(fetch.images_revalidate), 0ms, 10 * a_year,
                "an image with an unchanged address is asked for again after this"),
      make.text("fetch.images.user_agent", FIELD(fetch.images_user_agent),
                "User-Agent for images; browser: a desktop Chrome's"),
      make.text("fetch.browser", FIELD(fetch.browser),
                "auto: start Chromium for a run that needs it; or the address of a running one"),
      make.flag("fetch.allow_private_addresses", FIELD(fetch.allow_private_addresses),
                "permits shops on private and loopback addresses"),
      make.choice("embed.backend", FIELD(embed.backend), backends, "where vectors are made"),
      make.choice("embed.fallback", FIELD(embed.fallback), {"none", "local", "remote"},
                  "what is asked when the backend fails for an image"),
      make.text("embed.model", FIELD(embed.model),
                "auto: what the sink's layout and vector width say, else clip-vit-b-32; or a model's name"),
      make.path("embed.models_dir", FIELD(embed.models_dir), "where models are kept; relative to state.dir"),
      make.text("embed.device", FIELD(embed.device), "auto, cpu, or cuda:N"),
      make.choice("embed.precision", FIELD(embed.precision), {"auto", "fp32", "bf16", "int8", "fp16"},
                  "arithmetic of the forward pass; auto: fp16 on CUDA, bf16 where the CPU is fast at it, "
                  "else fp32; int8 (CPU) only where asked for"),
      number_or_auto(
          "embed.threads", FIELD(embed.threads), "auto",
          "forward workers x threads inside of each; auto: all cores, shared out as was measured at "
          "the first start"),
      number_or_auto("embed.batch", FIELD(embed.batch), "32",
                     "images in one forward pass, at most, best a power of two; auto: as was measured at the "
                     "first start"),
      make.time("embed.batch_wait", FIELD(embed.batch_wait), 0ms, 10s, "how long a batch waits to fill"),
      make.integer("embed.queue.items", FIELD(embed.queue_items), 1, 1'000'000,
                   "images between fetching and decoding"),
      make.size("embed.queue.bytes", FIELD(embed.queue_bytes), 1'000'000, 1000 * a_gigabyte,
                "their bytes; fetching pauses when either is reached"),
      make.choice("embed.decode", FIELD(embed.decode), {"exact", "fast"},
                  "exact: every pixel; fast: large JPEGs are decoded at a smaller scale"),
      make.size("embed.decode_memory", FIELD(embed.decode_memory), 1'000'000, 1000 * a_gigabyte,
                "memory for pictures being decoded, all decoders together"),
      make.choice("embed.text", FIELD(embed.text), {"auto", "on", "off"},
                  "info_embedding from the product's text; auto: when some column of the sink takes it"),
      make.text("embed.remote.url", FIELD(embed.remote.url), "address of the remote encoder"),
      make.time("embed.remote.timeout", FIELD(embed.remote.timeout), 100ms, 1h, "limit for one image there"),
      make.integer("embed.remote.concurrency", FIELD(embed.remote.concurrency), 1, 256,
                   "requests in flight there"),
      make.confidential("embed.remote.token", FIELD(embed.remote.token), "sent as Authorization: Bearer"),
      make.text("embed.hub.url", FIELD(embed.hub.url), "where `model pull` gets models by their hub names"),
      make.confidential("embed.hub.token", FIELD(embed.hub.token), "for models that ask for one"),
      make.choice("sink.kind", FIELD(sink.kind), {"supabase", "postgres", "file", "none"},
                  "where rows go; supabase when SUPABASE_URL is set and no kind is given"),
      make.confidential("sink.url", FIELD(sink.url),
                        "https://PROJECT.supabase.co, or postgres://USER:PASSWORD@HOST/DATABASE"),
      make.path("sink.path", FIELD(sink.path), "the file of kind file; its ending gives the format"),
      make.confidential("sink.key", FIELD(sink.key), "Supabase's service key"),
      make.text("sink.table", FIELD(sink.table), "the table"),
      make.choice("sink.layout", FIELD(sink.layout), {"auto", "catwalk", "2026-02", "2025-10"},
                  "which columns the table has; auto: found out from the table"),
      columns(),
      make.text("sink.on_conflict", FIELD(sink.on_conflict),
                "columns of the unique key, by comma; auto: the layout's"),
      headers(),
      make.integer("sink.batch", FIELD(sink.batch), 1, 1000, "rows in one request"),
      make.integer("sink.concurrency", FIELD(sink.concurrency), 1, 16,
                   "requests in flight to Supabase at most; as many as bring more rows through"),
      make.choice("sync.action", FIELD(sync.action), {"delete", "mark"},
                  "what happens to rows whose product is gone; mark sets availability"),
      fraction(),
      make.integer("sync.min_rows", FIELD(sync.min_rows), 0, 1'000'000,
                   "for max_delete_fraction a site with fewer rows counts as having so many"),
      make.integer("sync.after_missed_runs", FIELD(sync.after_missed_runs), 1, 1000,
                   "complete runs that must miss a product before it counts as gone"),
      make.size("search.memory", FIELD(search.memory), 1'000'000, 1000 * a_gigabyte,
                "memory for the search index"),
      make.time("retention.runs", FIELD(retention.runs), 1h, 100 * a_year, "how long runs are remembered"),
      make.time("retention.failures", FIELD(retention.failures), 1h, 100 * a_year,
                "how long dead letters are kept"),
      make.time("retention.gone_products", FIELD(retention.gone_products), 1h, 100 * a_year,
                "how long products that are gone are remembered"),
      make.size(
          "retention.outbox_max", FIELD(retention.outbox_max), 1'000'000, unlimited,
          "no further page is read while the outbox of a sink that is away holds this much, 8 kB a row"),
      make.text("notify.url", FIELD(notify.url), "webhook that events are posted to"),
      texts("notify.events", FIELD(notify.events),
            {"price_drop", "back_in_stock", "new", "gone", "job_failed"}, "which events"),
      make.confidential("notify.secret", FIELD(notify.signing_secret),
                        "signs the webhook's body; needed with notify.url"),
      make.choice("log.level", FIELD(log.level),
                  {"trace", "debug", "info", "warn", "error", "critical", "off"}, "how much is logged"),
      make.choice("log.format", FIELD(log.format), {"text", "json"}, "for people or for machines"),
      make.time("shutdown_timeout", FIELD(shutdown_timeout), 0ms, 1h,
                "how long a stop waits for the queue to drain"),
  };
}

#undef FIELD

}  // namespace

std::string environment_name(const std::string& key) {
  std::string name = "CATWALK_";
  for (const char c : key)
    name += c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

const std::vector<setting>& setting_table() {
  static const std::vector<setting> table = build();
  return table;
}

std::vector<key_description> known_settings() {
  std::vector<key_description> known;
  for (const auto& one : setting_table()) {
    known.push_back(one.about);
    if (one.about.key != "schedule.jobs") continue;
    for (const auto& of_job : job_setting_table()) known.push_back(of_job.about);
  }
  return known;
}

}  // namespace catwalk::config
