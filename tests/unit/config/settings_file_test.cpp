#include "config/reference.hpp"
#include "config/state_dir.hpp"
#include "tests/unit/config/configuration_folder.hpp"

using namespace catwalk::config;

TEST_CASE("without a file the defaults hold") {
  const configuration_folder folder;
  const loaded result = folder.load();
  CHECK(shown(result.found) == "");
  CHECK(result.config_file.empty());
  CHECK(result.sites_file.empty());
  CHECK(result.values.sites == folder.path() / "sites.yaml");
  CHECK(result.values.sink.kind == "none");
  CHECK(result.values.fetch.pages.delay == std::chrono::seconds(1));
}

TEST_CASE("an empty configuration file is valid") {
  const configuration_folder folder;
  for (const char* text : {"", "\n", "# nothing\n", "---\n", "fetch:\n", "fetch:\n  pages:\n    delay:\n"}) {
    INFO(text);
    const loaded result = folder.load_text(text);
    CHECK(shown(result.found) == "");
    CHECK(result.config_file == folder.path() / "catwalk.yaml");
    CHECK(result.values.fetch.pages.delay == std::chrono::seconds(1));
  }
}

TEST_CASE("every section of the reference is read") {
  const configuration_folder folder;
  folder.write(
      "sites.yaml",
      "- { brand: Zara, api: { endpoint: 'https://shop.example/x', items_path: i, field_map: {} } }\n");
  const loaded result = folder.load_text(R"(
state: { dir: /srv/catwalk, min_free: 1GiB }
sites: sites.yaml
http: { listen: "[::1]:8080", token: abc, embed_public: true, reload: yes, thumbnails: 0B, hosts: [a.example, b.example] }
schedule:
  timezone: Europe/Prague
  jobs:
    - { name: nightly, cron: "0 3 * * *", sites: all, sync: true, jitter: 10m, catch_up: false, overlap: queue,
        timeout: 6h, enabled: false, on_restart: restart, ping_url: "https://ping.example/x" }
    - { name: zara, cron: "@hourly", sites: [zara] }
fetch:
  user_agent: "mine/1.0"
  robots: false
  pages: { concurrency: 4, per_host: 2, delay: 2s, timeout: 10s, max_bytes: 1MB }
  images: { concurrency: 16, per_host: 4, delay: 5ms, timeout: 20s, max_bytes: 2MB, max_pixels: 1000000, revalidate: 7d, user_agent: mine }
  browser: ws://127.0.0.1:9222/devtools
  allow_private_addresses: true
embed:
  backend: remote
  fallback: local
  model: siglip
  models_dir: /srv/models
  device: cuda:1
  precision: fp16
  threads: 3
  batch: 8
  batch_wait: 5ms
  queue: { items: 64, bytes: 10MB }
  decode: fast
  decode_memory: 100MB
  text: "off"
  remote: { url: "https://encoder.example", timeout: 5s, concurrency: 4, token: def }
sink:
  kind: postgres
  url: "postgres://u:p@db.example/shop"
  path: out.jsonl
  key: ghi
  table: goods
  layout: 2025-10
  columns: { image_embedding: embedding, info_embedding: null }
  on_conflict: source,external_id
  headers: { X-One: 1 }
  batch: 50
sync: { action: mark, max_delete_fraction: 0.5, min_rows: 0, after_missed_runs: 3 }
search: { memory: 100MB }
retention: { runs: 1d, failures: 2d, gone_products: 3d, outbox_max: 1GB }
notify: { url: "https://hook.example", events: [new, gone], secret: jkl }
log: { level: debug, format: json }
shutdown_timeout: 1m
)");
  REQUIRE(shown(result.found) == "");
  const settings& s = result.values;
  CHECK(result.state_dir == "/srv/catwalk");
  CHECK(s.state.min_free == 1'073'741'824);
  CHECK(s.http.listen == "[::1]:8080");
  CHECK(s.http.token.reveal() == "abc");
  CHECK(s.http.embed_public);
  CHECK(s.http.reload);
  CHECK(s.http.thumbnails == 0);
  CHECK(s.http.hosts == std::vector<std::string>{"a.example", "b.example"});
  CHECK(s.schedule.timezone.text == "Europe/Prague");
  CHECK(to_string(s.schedule.timezone.where) == "catwalk.yaml:6:13");
  REQUIRE(s.schedule.jobs.size() == 2);
  const job_settings& job = s.schedule.jobs[0];
  CHECK(job.name == "nightly");
  CHECK(job.cron.text == "0 3 * * *");
  CHECK(to_string(job.cron.where) == "catwalk.yaml:8:30");
  CHECK(job.sites.empty());
  CHECK(job.sync);
  CHECK(job.jitter == std::chrono::minutes(10));
  CHECK_FALSE(job.catch_up);
  CHECK(job.overlap == job_settings::overlap_policy::queue);
  CHECK(job.on_restart == job_settings::restart_policy::restart);
  CHECK_FALSE(job.enabled);
  CHECK(job.ping_url == "https://ping.example/x");
  CHECK(s.schedule.jobs[1].sites == std::vector<std::string>{"Zara"});
  CHECK(s.fetch.user_agent == "mine/1.0");
  CHECK_FALSE(s.fetch.robots);
  CHECK(s.fetch.pages.concurrency == 4);
  CHECK(s.fetch.pages.max_bytes == 1'000'000);
  CHECK(s.fetch.images.delay == std::chrono::milliseconds(5));
  CHECK(s.fetch.images_max_pixels == 1'000'000);
  CHECK(s.fetch.images_revalidate == std::chrono::hours(7 * 24));
  CHECK(s.fetch.images_user_agent == "mine");
  CHECK(s.fetch.allow_private_addresses);
  CHECK(s.embed.backend == "remote");
  CHECK(s.embed.threads == 3);
  CHECK(s.embed.queue_items == 64);
  CHECK(s.embed.queue_bytes == 10'000'000);
  CHECK(s.embed.text == "off");
  CHECK(s.embed.remote.token.reveal() == "def");
  CHECK(s.sink.url.reveal() == "postgres://u:p@db.example/shop");
  CHECK(s.sink.path == folder.path() / "out.jsonl");
  CHECK(s.sink.layout == "2025-10");
  CHECK(s.sink.columns.at("image_embedding") == "embedding");
  CHECK(s.sink.columns.at("info_embedding") == std::nullopt);
  CHECK(s.sink.headers.at("X-One") == "1");
  CHECK(s.sync.max_delete_fraction == 0.5);
  CHECK(s.search.memory == 100'000'000);
  CHECK(s.retention.outbox_max == 1'000'000'000);
  CHECK(s.notify.events == std::vector<std::string>{"new", "gone"});
  CHECK(s.notify.signing_secret.reveal() == "jkl");
  CHECK(s.log.format == "json");
  CHECK(s.shutdown_timeout == std::chrono::minutes(1));
}

TEST_CASE("every problem says where, what and what to do") {
  const configuration_folder folder;
  struct row {
    const char* text;
    const char* problem;
  };
  const std::string long_value(70, 'x');
  for (const auto& [text, problem] : {
           row{"fetch:\n  pages: { concurency: 3 }\n",
               "catwalk.yaml:2:12: unknown key 'concurency' in fetch.pages; did you mean 'concurrency'?"},
           row{"fetcj: {}\n", "catwalk.yaml:1:1: unknown key 'fetcj'; did you mean 'fetch'?"},
           row{"user_agent: x\n",
               "catwalk.yaml:1:1: unknown key 'user_agent'; did you mean 'fetch.user_agent'?"},
           row{"fetch.robots: false\n",
               "catwalk.yaml:1:1: unknown key 'fetch.robots'; known here: state, sites, http, schedule, "
               "fetch, embed, "
               "sink, sync, search, retention, notify, log, shutdown_timeout"},
           row{"log:\n  level: info\n  level: debug\n",
               "catwalk.yaml:3:3: duplicate key 'level'; its first value is in line 2"},
           row{"log: &l { level: info }\n<<: *l\n",
               "catwalk.yaml:2:1: merge keys ('<<') are not supported; write the keys out, or use an alias "
               "as a value"},
           row{"fetch:\n  pages: { delay: soon }\n",
               "catwalk.yaml:2:19: fetch.pages.delay: expected a duration, found 'soon'; write it as 90s, "
               "1h30m, 20ms or 30d"},
           row{"fetch:\n  pages: { delay: 2h }\n",
               "catwalk.yaml:2:19: fetch.pages.delay: expected a duration from 0s to 1h, found '2h'"},
           row{"search: { memory: lots }\n",
               "catwalk.yaml:1:19: search.memory: expected a size, found 'lots'; write it as 20MB (10^6 "
               "bytes) or 20MiB (2^20)"},
           row{"fetch: { images: { max_bytes: 2GB } }\n",
               "catwalk.yaml:1:31: fetch.images.max_bytes: expected a size from 1kB to 1GB, found '2GB'"},
           row{"sink: { batch: 0 }\n",
               "catwalk.yaml:1:16: sink.batch: expected a whole number from 1 to 1000, found '0'"},
           row{"sink: { batch: 1.5 }\n",
               "catwalk.yaml:1:16: sink.batch: expected a whole number from 1 to 1000, found '1.5'"},
           row{"sync: { max_delete_fraction: 1.1 }\n",
               "catwalk.yaml:1:30: sync.max_delete_fraction: expected a number from 0 to 1, found '1.1'"},
           row{"sync: { max_delete_fraction: nan }\n",
               "catwalk.yaml:1:30: sync.max_delete_fraction: expected a number from 0 to 1, found 'nan'"},
           row{"fetch: { robots: maybe }\n",
               "catwalk.yaml:1:18: fetch.robots: expected true or false, found 'maybe'"},
           row{"embed: { backend: loca }\n",
               "catwalk.yaml:1:19: embed.backend: expected local or remote, found 'loca'; did you mean "
               "'local'?"},
           row{"log: { level: loud }\n",
               "catwalk.yaml:1:15: log.level: expected trace, debug, info, warn, error, critical or off, "
               "found 'loud'"},
           row{"sink: { layout: 2025-11 }\n",
               "catwalk.yaml:1:17: sink.layout: expected auto, catwalk, 2026-02 or 2025-10, found '2025-11'; "
               "did you mean '2025-10'?"},
           row{"fetch: 3\n", "catwalk.yaml:1:8: fetch: expected a mapping, found '3'"},
           row{"fetch: [1]\n", "catwalk.yaml:1:8: fetch: expected a mapping, found a list"},
           row{"sink:\n  key sb_secret_CANARY\n", "catwalk.yaml:2:3: sink: expected a mapping, found a text"},
           row{"sink:\n  key sb_secret_CANARY: x\n",
               "catwalk.yaml:2:3: unknown key 'key…' in sink; did you mean 'key'?"},
           row{"SUPABASE_KEY=sb_secret_CANARY\n",
               "catwalk.yaml:1:1: expected a mapping, found 'SUPABASE_KEY=…'"},
           row{"just text\n", "catwalk.yaml:1:1: expected a mapping, found 'just text'"},
           row{"fetch: { user_agent: [a] }\n",
               "catwalk.yaml:1:22: fetch.user_agent: expected a text, found a list"},
           row{"fetch: { user_agent: \"a\\r\\nX: y\" }\n",
               "catwalk.yaml:1:22: fetch.user_agent: a line break inside of the value; write it on one line"},
           row{"http: { listen: 9817 }\n",
               "catwalk.yaml:1:17: http.listen: expected an address and a port, found '9817'; write it as "
               "127.0.0.1:9817 or [::1]:9817"},
           row{"http: { listen: 'localhost:99999' }\n",
               "catwalk.yaml:1:17: http.listen: expected an address and a port, found 'localhost:99999'; "
               "write it as 127.0.0.1:9817 or [::1]:9817"},
           row{"http: { listen: '::1:80' }\n",
               "catwalk.yaml:1:17: http.listen: expected an address and a port, found '::1:80'; write it as "
               "127.0.0.1:9817 or [::1]:9817"},
           row{"http: { hosts: [catwalk.example, 'https://catwalk.example'] }\n",
               "catwalk.yaml:1:16: http.hosts: expected the name that a browser asks for, found "
               "'https://catwalk.example'; write it as catwalk.example"},
           row{"embed: { device: gpu }\n",
               "catwalk.yaml:1:18: embed.device: expected auto, cpu or cuda:N, found 'gpu'"},
           row{"embed: { device: cpu, precision: fp16 }\n",
               "catwalk.yaml:1:34: embed.precision: fp16 works on CUDA only, and embed.device is cpu; write "
               "auto"},
           row{"embed: { backend: remote }\n",
               "catwalk.yaml:1:19: embed.backend: remote needs embed.remote.url; set it, or the variable "
               "RAILWAY_EMBEDDINGS_URL"},
           row{"embed: { backend: remote, remote: { url: 'ftp://x' } }\n",
               "catwalk.yaml:1:42: embed.remote.url: expected an http:// or https:// address"},
           row{"embed: { threads: many }\n",
               "catwalk.yaml:1:19: embed.threads: expected a whole number from 1 to 1024, found 'many'"},
           row{"embed: { queue: { items: 4 } }\n",
               "catwalk.yaml:1:26: warning: embed.queue.items is below embed.batch: batches of 32 never "
               "fill"},
           row{"embed: { fallback: local }\n",
               "catwalk.yaml:1:20: warning: embed.fallback is the backend itself and has no effect"},
           row{"sink: { kind: supabase, url: 'https://x.example' }\n",
               "catwalk.yaml:1:15: sink.kind supabase needs sink.key; set it, or the variable SUPABASE_KEY"},
           row{"sink: { kind: supabase, key: k }\n",
               "catwalk.yaml:1:15: sink.kind supabase needs sink.url; set it, or the variable SUPABASE_URL"},
           row{"sink: { kind: supabase, key: k, url: x.example }\n",
               "catwalk.yaml:1:38: sink.url: expected an http:// or https:// address"},
           row{"sink: { kind: supabase, key: k, url: 'http://127.0.0.1:1' }\n", ""},
           row{"sink: { kind: supabase, key: k, url: 'http://x.example' }\n",
               "catwalk.yaml:1:38: warning: sink.url: http:// sends the key and the rows unencrypted; write "
               "https://"},
           row{"sink: { kind: postgres, url: 'https://x.example' }\n",
               "catwalk.yaml:1:30: sink.url: expected a postgres:// address"},
           row{"sink: { kind: file }\n", "catwalk.yaml:1:15: sink.kind file needs sink.path"},
           row{"sink: { kind: file, path: rows.txt }\n",
               "catwalk.yaml:1:27: sink.path: the ending .txt is none that catwalk writes; name a file that "
               "ends in .jsonl, .csv or .npy"},
           row{"sink: { kind: file, path: rows }\n",
               "catwalk.yaml:1:27: sink.path: the name has no ending, which would say how rows are written; "
               "name a file that ends in .jsonl, .csv or .npy"},
           row{"sink: { kind: file, path: rows.csv }\n", ""},
           row{"sink: { url: 'https://x.example' }\n",
               "catwalk.yaml:1:14: sink.url: an address without sink.kind; add sink.kind: supabase or "
               "sink.kind: postgres"},
           row{"sink: { headers: { 'a b': c } }\n",
               "catwalk.yaml:1:18: sink.headers: 'a b' cannot be a header's name"},
           row{"sink: { columns: all }\n",
               "catwalk.yaml:1:18: sink.columns: expected auto or a mapping, found 'all'; write it as { "
               "image_embedding: embedding, info_embedding: null }"},
           row{"sync: { action: mark }\nsink: { layout: 2026-02 }\n",
               "catwalk.yaml:1:17: sync.action: mark sets availability, and the layout 2026-02 has no such "
               "column; write delete"},
           row{"notify: { events: [new, sold] }\n",
               "catwalk.yaml:1:25: notify.events: expected price_drop, back_in_stock, new, gone or "
               "job_failed, found 'sold'"},
           row{"schedule: { jobs: { name: a } }\n",
               "catwalk.yaml:1:19: schedule.jobs: expected a list, found a mapping; begin each job with a "
               "dash"},
           row{"schedule:\n  jobs:\n    - { cron: '@daily' }\n",
               "catwalk.yaml:3:7: schedule.jobs[]: a job without a name; add name: nightly"},
           row{"schedule:\n  jobs:\n    - { name: a }\n",
               "catwalk.yaml:3:7: schedule.jobs[]: a job without cron; add cron: \"0 3 * * *\""},
           row{"schedule:\n  jobs:\n    - { name: a, cron: x, snyc: true }\n",
               "catwalk.yaml:3:27: unknown key 'snyc' in schedule.jobs[]; did you mean 'sync'?"},
           row{"schedule:\n  jobs:\n    - { name: a, cron: x }\n    - { name: A, cron: x }\n",
               "catwalk.yaml:4:7: schedule.jobs[]: a second job named 'A'; names are unique; upper and lower "
               "case count as the same"},
           row{"schedule:\n  jobs:\n    - { name: a, cron: x, sites: [Zaar] }\n",
               "catwalk.yaml:3:7: job 'a': no site is named 'Zaar'; did you mean 'Zara'?"},
           row{"schedule:\n  jobs:\n    - { name: a, cron: x, sites: [Mango] }\n",
               "catwalk.yaml:3:7: job 'a': no site is named 'Mango'; the sites are Zara"},
           row{"sites: shops.yaml\n", nullptr},
           row{"log: { level: info\n", "catwalk.yaml:2:1: not valid YAML: end of map flow not found"},
           row{"log:\n\tlevel: info\n", nullptr},
           row{"a: *nowhere\n", nullptr},
           row{"a: &a [*a]\n", "catwalk.yaml:1:8: not valid YAML: an alias inside of what it refers to"},
           row{"? [a]\n: b\n", "catwalk.yaml:1:3: a key that is no text"},
           row{"log: {}\n---\nlog: {}\n",
               "catwalk.yaml:3:1: a second document ('---'); keep one document per file"},
           row{"log: !include x\n", nullptr},
           row{"log: \x80\n", "catwalk.yaml:1:6: a byte that is not valid UTF-8; save the file as UTF-8"},
       }) {
    folder.write(
        "sites.yaml",
        "- { brand: Zara, api: { endpoint: 'https://shop.example/x', items_path: i, field_map: {} } }\n");
    INFO(text);
    const loaded result = folder.load_text(text);
    if (problem) {
      CHECK(shown(result.found) == problem);
    } else {
      CHECK(has_errors(result.found));
      for (const auto& one : result.found) CHECK(one.where.line > 0);
    }
  }
}

TEST_CASE("columns count characters") {
  const configuration_folder folder;
  const loaded result = folder.load_text("# é\nlog: { \"é\": 1, lever: 2 }\n");
  REQUIRE(result.found.size() == 2);
  CHECK(to_string(result.found[1]) == "catwalk.yaml:2:16: unknown key 'lever' in log; did you mean 'level'?");
}

TEST_CASE("aliases are values, bombs are not") {
  const configuration_folder folder;
  CHECK(shown(folder.load_text("fetch:\n  pages: &p { delay: 3s }\n  images: *p\n").found) == "");
  CHECK(folder.load().values.fetch.images.delay == std::chrono::seconds(3));

  std::string bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n";
  for (char c = 'b'; c < 'k'; ++c) {
    bomb += std::string(1, c) + ": &" + c + " [";
    for (int i = 0; i < 10; ++i) bomb += std::string(i ? ", *" : "*") + static_cast<char>(c - 1);
    bomb += "]\n";
  }
  const loaded bombed = folder.load_text(bomb);
  REQUIRE(bombed.found.size() == 1);
  CHECK(bombed.found[0].what.find("more than 200000 values") != std::string::npos);

  for (const int depth : {100, 5'000, 200'000}) {
    const loaded deep = folder.load_text(std::string(static_cast<std::size_t>(depth), '['));
    CHECK(has_errors(deep.found));
  }
  const loaded nested = folder.load_text("a: " + std::string(100, '[') + std::string(100, ']'));
  REQUIRE(nested.found.size() == 1);
  CHECK(nested.found[0].what.find("more than 64 levels") != std::string::npos);
}

TEST_CASE("the state folder") {
  using paths = std::map<std::string, std::string>;
  CHECK(resolve_state_dir("auto", "/etc/catwalk", paths{{"STATE_DIRECTORY", "/var/lib/a:/var/lib/b"}},
                          true) == "/var/lib/a");
  CHECK(resolve_state_dir("auto", "/etc/catwalk", {}, true) == "/var/lib/catwalk");
  // The service's configuration is about the service's state, whoever runs the command.
  CHECK(resolve_state_dir("auto", "/etc/catwalk", paths{{"HOME", "/h"}, {"XDG_STATE_HOME", "/s"}}, false) ==
        "/var/lib/catwalk");
  CHECK(resolve_state_dir("auto", "/etc/catwalk", paths{{"STATE_DIRECTORY", "/var/lib/a"}}, false) ==
        "/var/lib/a");
  CHECK(resolve_state_dir("auto", "/x", paths{{"XDG_STATE_HOME", "/s"}, {"HOME", "/h"}}, false) ==
        "/s/catwalk");
  CHECK(resolve_state_dir("auto", "/x", paths{{"XDG_STATE_HOME", "relative"}, {"HOME", "/h"}}, false) ==
        "/h/.local/state/catwalk");
  CHECK(resolve_state_dir("auto", "/x", {}, false).empty());
  CHECK(resolve_state_dir("../state", "/etc/catwalk", paths{{"STATE_DIRECTORY", "/var/lib/a"}}, false) ==
        "/etc/state");
  CHECK(resolve_state_dir("/abs", "/etc/catwalk", {}, true) == "/abs");
}
