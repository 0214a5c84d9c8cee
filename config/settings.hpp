#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/problem.hpp"
#include "config/secret.hpp"

namespace catwalk::config {

using duration = std::chrono::milliseconds;
using bytes = std::uint64_t;

/// Where catwalk keeps its state. The defaults of every struct here are the documented defaults.
struct state_settings {
  std::filesystem::path dir = "auto";  ///< resolved by `resolve_state_dir`
  bytes min_free = 256'000'000;        ///< below this much free disk, intake pauses
};

struct http_settings {
  std::string listen = "127.0.0.1:9817";
  secret token;
  bool embed_public = false;
  bool reload = false;
  bytes thumbnails = 200'000'000;
  std::vector<std::string> hosts;
};

struct job_settings {
  enum class overlap_policy { skip, queue };
  enum class restart_policy { resume, restart };
  std::string name;
  located_text cron;
  std::vector<std::string> sites;  ///< empty: all
  bool sync = false;
  duration jitter{0};
  bool catch_up = true;
  overlap_policy overlap = overlap_policy::skip;
  duration timeout = std::chrono::hours(6);
  bool enabled = true;
  restart_policy on_restart = restart_policy::resume;
  std::string ping_url;
  place where;
};

struct schedule_settings {
  located_text timezone;  ///< IANA name; empty: the system's
  std::vector<job_settings> jobs;
};

struct lane_settings {
  int concurrency;
  int per_host;
  duration delay;
  duration timeout;
  bytes max_bytes;
};

struct fetch_settings {
  std::string user_agent = "catwalk/1.0 (+https://example.org/bot)";
  bool robots = true;
  lane_settings pages{8, 1, std::chrono::seconds(1), std::chrono::seconds(60), 50'000'000};
  lane_settings images{32, 8, duration(0), std::chrono::seconds(30), 20'000'000};
  std::uint64_t images_max_pixels = 40'000'000;
  duration images_revalidate = std::chrono::hours(24 * 30);
  std::string images_user_agent = "browser";  ///< `browser`: a desktop Chrome's
  std::string browser = "auto";
  bool allow_private_addresses = false;
  std::string http_proxy, https_proxy, no_proxy;  ///< from the environment alone
  bool insecure_ssl = false;                      ///< INSECURE_SSL, for shops alone
};

struct remote_encoder_settings {
  std::string url;
  duration timeout = std::chrono::seconds(60);
  int concurrency = 2;
  secret token;
};

struct hub_settings {
  std::string url = "https://huggingface.co";
  secret token;
};

struct embed_settings {
  std::string backend = "local";  ///< local | remote
  std::string fallback = "none";  ///< none | local | remote
  std::string model = "auto";
  std::filesystem::path models_dir = "models";  ///< relative to state.dir
  std::string device = "auto";                  ///< auto | cpu | cuda:N
  std::string precision = "auto";               ///< auto | fp32 | bf16 | int8 | fp16
  std::optional<int> threads;                   ///< nullopt: auto
  std::optional<int> batch = 32;                ///< nullopt: auto
  duration batch_wait{20};
  int queue_items = 256;
  bytes queue_bytes = 128'000'000;
  std::string decode = "exact";  ///< exact | fast
  bytes decode_memory = 256'000'000;
  std::string text = "auto";  ///< auto | on | off
  remote_encoder_settings remote;
  hub_settings hub;
};

struct sink_settings {
  std::string kind = "none";  ///< supabase | postgres | file | none
  secret url;                 ///< https://… or postgres://… (which may hold a password)
  std::filesystem::path path;
  secret key;
  std::string table = "products";
  std::string layout = "auto";  ///< auto | catwalk | 2026-02 | 2025-10
  /// Field to column; nullopt as a column leaves the field out. Empty: auto.
  std::map<std::string, std::optional<std::string>> columns;
  std::string on_conflict = "auto";
  std::map<std::string, std::string> headers;
  int batch = 100;
  int concurrency = 4;
};

struct sync_settings {
  std::string action = "delete";  ///< delete | mark
  double max_delete_fraction = 0.3;
  int min_rows = 20;
  int after_missed_runs = 1;
};

struct search_settings {
  bytes memory = 640'000'000;
};

struct retention_settings {
  duration runs = std::chrono::hours(24 * 90);
  duration failures = std::chrono::hours(24 * 30);
  duration gone_products = std::chrono::hours(24 * 180);
  bytes outbox_max = 5'000'000'000;
};

struct notify_settings {
  std::string url;
  std::vector<std::string> events{"price_drop", "back_in_stock", "new", "gone", "job_failed"};
  secret signing_secret;
};

struct log_settings {
  std::string level = "info";   ///< trace | debug | info | warn | error | critical | off
  std::string format = "text";  ///< text | json
};

/// The whole of `catwalk.yaml`.
struct settings {
  state_settings state;
  std::filesystem::path sites = "sites.yaml";  ///< resolved relative to the configuration file
  http_settings http;
  schedule_settings schedule;
  fetch_settings fetch;
  embed_settings embed;
  sink_settings sink;
  sync_settings sync;
  search_settings search;
  retention_settings retention;
  notify_settings notify;
  log_settings log;
  duration shutdown_timeout = std::chrono::seconds(30);
};

}  // namespace catwalk::config
