#include "config/database_url.hpp"
#include "config/environment_file.hpp"
#include "tests/unit/config/configuration_folder.hpp"

using namespace catwalk::config;

TEST_CASE("a .env is read as python-dotenv reads it") {
  struct row {
    const char* text;
    const char* value;
  };
  for (const auto& [text, value] : {
           row{"A=b", "b"},
           row{"A = b  \r\n", "b"},
           row{"export A=b\n", "b"},
           row{"  export   A='b c'\n", "b c"},
           row{"A=\"b # c\" # d\n", "b # c"},
           row{"A=b#c\n", "b#c"},
           row{"A=b # c\n", "b"},
           row{"A=# c\n", ""},
           row{"A=\n", ""},
           row{"# x\n\nA=b=c==\n", "b=c=="},
           row{"A='b\\n'\n", "b\\n"},
           row{"A=\"b\\nc\\\"d\\\\e\\$f\"\n", "b\nc\"d\\e$f"},
           row{"A=\"b\nc\"\n", "b\nc"},
           row{"A='it\\'s'\n", "it's"},
           row{"A=x\nA=y\n", "y"},
           row{"B=x\nA=${B}y\n", "xy"},
           row{"A=\"${OUTER}/${NONE}/${NONE:-z}\"\n", "o//z"},
           row{"A='${OUTER}'\n", "${OUTER}"},
           row{"A=$OUTER$\n", "$OUTER$"},
           row{"A=${OUTER\n", "${OUTER"},
           row{"\xEF\xBB\xBF"
               "A=b\n",
               "b"},
       }) {
    INFO(text);
    const auto read = parse_environment_file(text, ".env", {{"OUTER", "o"}});
    CHECK(shown(read.found) == "");
    REQUIRE(read.values.count("A") == 1);
    CHECK(read.values.at("A").value == value);
  }
  using namespace std::string_literals;
  const auto wide = parse_environment_file("\xFF\xFE"s + "A\0=\0b\0\r\0\n\0"s, ".env", {});
  CHECK(wide.values.at("A").value == "b");
}

TEST_CASE("lines of a .env that are none are named without their text") {
  const auto read = parse_environment_file("A=1\neyJhbGciOi\n 9X=2\nB='x\nC=3\n", ".env", {});
  CHECK(shown(read.found) ==
        ".env:2:1: warning: not a line of the form NAME=value; it is ignored\n"
        ".env:3:2: warning: not a line of the form NAME=value; it is ignored\n"
        ".env:4:1: a quote that is not closed; close it on this line, or drop it");
  CHECK(read.values.at("A").value == "1");
  CHECK(read.values.at("C").value == "3");
  CHECK(read.values.at("C").where.line == 5);
}

TEST_CASE("flag, then environment, then .env, then file, then default") {
  const configuration_folder folder;
  CHECK(folder.load().values.log.level == "info");
  folder.write("catwalk.yaml", "log: { level: warn }\n");
  CHECK(folder.load().values.log.level == "warn");
  folder.write(".env", "CATWALK_LOG_LEVEL=error\n");
  CHECK(folder.load().values.log.level == "error");
  CHECK(folder.load({{"CATWALK_LOG_LEVEL", "debug"}}).values.log.level == "debug");
  overrides flags;
  flags.log_level = "trace";
  CHECK(folder.load({{"CATWALK_LOG_LEVEL", "debug"}}, flags).values.log.level == "trace");
  // An empty variable counts as not set.
  CHECK(folder.load({{"CATWALK_LOG_LEVEL", ""}}).values.log.level == "error");
  flags.log_level = "loud";
  CHECK(shown(folder.load({}, flags).found) ==
        "--log-level: log.level: expected trace, debug, info, warn, error, critical or off, found 'loud'");
}

TEST_CASE("the predecessor's variable in the environment wins over ours in .env") {
  const configuration_folder folder;
  folder.write(".env", "CATWALK_FETCH_USER_AGENT=ours\n");
  CHECK(folder.load({{"USER_AGENT", "theirs"}}).values.fetch.user_agent == "theirs");
  CHECK(
      folder.load({{"USER_AGENT", "theirs"}, {"CATWALK_FETCH_USER_AGENT", "mine"}}).values.fetch.user_agent ==
      "mine");
}

TEST_CASE("variables of our own") {
  const configuration_folder folder;
  const loaded result = folder.load({{"CATWALK_FETCH_PAGES_DELAY", "20ms"},
                                     {"CATWALK_HTTP_HOSTS", "a.example, b.example"},
                                     {"CATWALK_NOTIFY_EVENTS", "new,gone"},
                                     {"CATWALK_EMBED_QUEUE_BYTES", "1MiB"},
                                     {"CATWALK_EMBED_THREADS", "2"},
                                     {"CATWALK_SHUTDOWN_TIMEOUT", "5s"},
                                     {"CATWALK_SINK_COLUMNS", "auto"},
                                     {"CATWALK_STATE_DIR", "here"},
                                     {"CATWALK_SUITES", "/somewhere"}});
  CHECK(shown(result.found) == "");
  CHECK(result.values.fetch.pages.delay == std::chrono::milliseconds(20));
  CHECK(result.values.http.hosts == std::vector<std::string>{"a.example", "b.example"});
  CHECK(result.values.notify.events == std::vector<std::string>{"new", "gone"});
  CHECK(result.values.embed.queue_bytes == 1'048'576);
  CHECK(result.values.embed.threads == 2);
  CHECK(result.values.shutdown_timeout == std::chrono::seconds(5));
  CHECK(result.state_dir == folder.path() / "here");

  CHECK(shown(folder.load({{"CATWALK_FETCH_PAGES_DELAY", "x"}, {"CATWALK_FETCH_PAGE_DELAY", "1s"}}).found) ==
        "environment variable CATWALK_FETCH_PAGES_DELAY: fetch.pages.delay: expected a duration, found 'x'; "
        "write it as "
        "90s, 1h30m, 20ms or 30d\n"
        "environment variable CATWALK_FETCH_PAGE_DELAY: warning: CATWALK_FETCH_PAGE_DELAY is no setting; did "
        "you mean "
        "'CATWALK_FETCH_PAGES_DELAY'?");
}

TEST_CASE("a mapping in a variable") {
  const configuration_folder folder;
  const auto load = [&](const char* text) { return folder.load({{"CATWALK_SINK_COLUMNS", text}}); };
  for (const char* text :
       {"image_embedding=embedding,info_embedding=null", " image_embedding = embedding , info_embedding= "}) {
    INFO(text);
    const auto result = load(text);
    CHECK(shown(result.found) == "");
    const auto& columns = result.values.sink.columns;
    REQUIRE(columns.size() == 2);
    CHECK(columns.at("image_embedding") == "embedding");
    CHECK_FALSE(columns.at("info_embedding"));
  }
  for (const char* text : {"embedding", "=embedding"}) {
    CHECK(shown(load(text).found) ==
          "environment variable CATWALK_SINK_COLUMNS: sink.columns: expected auto or FIELD=COLUMN, found '" +
              std::string(text) + "'; write it as image_embedding=embedding,info_embedding=null");
  }
  // In the file a mapping is a mapping.
  CHECK(shown(folder.load_text("sink: { columns: 'a=b' }\n").found).find("expected auto or a mapping") !=
        std::string::npos);
}

TEST_CASE("a variable that is nearly a setting is named with the setting") {
  const configuration_folder folder;
  const auto hint = [&](const std::string& name) {
    const auto found = folder.load({{name, "1"}}).found;
    if (found.empty()) return std::string();
    REQUIRE(found.size() == 1);
    CHECK(found[0].severity == problem::level::warning);
    CHECK(found[0].what == name + " is no setting");
    return found[0].hint;
  };
  CHECK(hint("CATWALK_SINK_TABEL") == "did you mean 'CATWALK_SINK_TABLE'?");
  CHECK(hint("CATWALK_SNIK_TABLE") == "did you mean 'CATWALK_SINK_TABLE'?");
  CHECK(hint("CATWALK_FETCH_DELAY") ==
        "did you mean 'CATWALK_FETCH_PAGES_DELAY' or 'CATWALK_FETCH_IMAGES_DELAY'?");
  CHECK(hint("CATWALK_HTTP_USER_AGENT") ==
        "did you mean 'CATWALK_FETCH_USER_AGENT' or 'CATWALK_FETCH_IMAGES_USER_AGENT'?");
  CHECK(hint("CATWALK_EMBED_URL") == "did you mean 'CATWALK_EMBED_REMOTE_URL' or 'CATWALK_EMBED_HUB_URL'?");
  CHECK(hint("CATWALK_LISTEN") == "did you mean 'CATWALK_HTTP_LISTEN'?");
  CHECK(hint("CATWALK_LOG_COLOUR") == "docs/configuration.md lists them");
  for (const char* foreign : {"CATWALK_SUITES", "CATWALK_BINARY", "CATWALK_TORCH_ROOT", "CATWALK_BUILD_DIR"})
    CHECK(hint(foreign) == "");
}

TEST_CASE("Supabase's variables") {
  const configuration_folder folder;
  const environment both{{"SUPABASE_URL", "https://x.supabase.co"}, {"SUPABASE_KEY", "sesame"}};
  const loaded result = folder.load(both);
  CHECK(shown(result.found) == "");
  CHECK(result.values.sink.kind == "supabase");
  CHECK(result.values.sink.url.reveal() == "https://x.supabase.co");
  CHECK(result.values.sink.key.reveal() == "sesame");

  CHECK(shown(folder.load({{"SUPABASE_URL", "https://x.supabase.co"}}).found) ==
        "environment variable SUPABASE_URL: sink.kind supabase needs sink.key; set it, or the variable "
        "SUPABASE_KEY");
  CHECK(shown(folder.load({{"SUPABASE_KEY", "sesame"}}).found) ==
        "environment variable SUPABASE_KEY: warning: SUPABASE_KEY is not used: no sink is configured; set "
        "SUPABASE_URL too");

  // Another kind keeps its own address.
  const loaded other = folder.load_text("sink: { kind: postgres, url: 'postgres://u:p@h/d' }\n", both);
  CHECK(other.values.sink.url.reveal() == "postgres://u:p@h/d");
  CHECK(shown(other.found) ==
        "environment variable SUPABASE_URL: warning: SUPABASE_URL is not used: sink.kind is postgres\n"
        "environment variable SUPABASE_KEY: warning: SUPABASE_KEY is not used: sink.kind is postgres");
  environment none = both;
  none["CATWALK_SINK_KIND"] = "none";
  CHECK(folder.load_text("", none).values.sink.kind == "none");

  // The environment stands over the file.
  const loaded over =
      folder.load_text("sink: { kind: supabase, url: 'https://y.supabase.co', key: k }\n", both);
  CHECK(over.values.sink.url.reveal() == "https://x.supabase.co");
  CHECK(over.values.sink.key.reveal() == "sesame");

  folder.write("catwalk.yaml", "");
  folder.write(".env", "SUPABASE_URL=\"https://z.supabase.co\"\nexport SUPABASE_KEY='k'\n");
  CHECK(folder.load().values.sink.kind == "supabase");
  CHECK(folder.load().values.sink.url.reveal() == "https://z.supabase.co");
  CHECK(folder.load(both).values.sink.url.reveal() == "https://x.supabase.co");
}

TEST_CASE("the predecessor's variables for embeddings") {
  const configuration_folder folder;
  for (const char* yes : {"true", "1", "yes", "TRUE", "Yes"}) {
    const loaded result = folder.load({{"USE_RAILWAY_EMBEDDINGS", yes},
                                       {"RAILWAY_EMBEDDINGS_URL", "https://encoder.example/embed"},
                                       {"EMBEDDINGS_TIMEOUT", "2.5"},
                                       {"EMBEDDINGS_MODEL", "google/siglip-base-patch16-384"}});
    CHECK(shown(result.found) == "");
    CHECK(result.values.embed.backend == "remote");
    CHECK(result.values.embed.remote.url == "https://encoder.example/embed");
    CHECK(result.values.embed.remote.timeout == std::chrono::milliseconds(2500));
    CHECK(result.values.embed.model == "google/siglip-base-patch16-384");
  }
  for (const char* no : {"false", "0", "no", ""}) {
    const loaded result = folder.load({{"USE_RAILWAY_EMBEDDINGS", no}});
    CHECK(shown(result.found) == "");
    CHECK(result.values.embed.backend == "local");
  }
  CHECK(shown(folder.load({{"USE_RAILWAY_EMBEDDINGS", "on"}}).found) ==
        "environment variable USE_RAILWAY_EMBEDDINGS: warning: USE_RAILWAY_EMBEDDINGS counts as false: it is "
        "none of "
        "true, 1, yes");
  CHECK(shown(folder.load({{"USE_RAILWAY_EMBEDDINGS", "true"}}).found) ==
        "environment variable USE_RAILWAY_EMBEDDINGS: USE_RAILWAY_EMBEDDINGS is set, RAILWAY_EMBEDDINGS_URL "
        "is not; set "
        "RAILWAY_EMBEDDINGS_URL to the service's address");
  for (const char* bad : {"soon", "60s", "-1", "0", "nan", "inf", "1e9"}) {
    const auto text = shown(folder.load({{"EMBEDDINGS_TIMEOUT", bad}}).found);
    CHECK(text ==
          std::string(
              "environment variable EMBEDDINGS_TIMEOUT: EMBEDDINGS_TIMEOUT: expected seconds from 0.1 to "
              "3600, found '") +
              bad + "'");
  }
}

TEST_CASE("proxies and INSECURE_SSL") {
  const configuration_folder folder;
  const loaded result = folder.load({{"HTTP_PROXY", "http://upper.example:1"},
                                     {"http_proxy", "http://lower.example:2"},
                                     {"HTTPS_PROXY", "proxy.example:3"},
                                     {"no_proxy", "localhost"},
                                     {"INSECURE_SSL", "1"}});
  CHECK(result.values.fetch.http_proxy == "http://lower.example:2");
  CHECK(result.values.fetch.https_proxy == "proxy.example:3");
  CHECK(result.values.fetch.no_proxy == "localhost");
  CHECK(result.values.fetch.insecure_ssl);
  CHECK(shown(result.found) ==
        "environment variable INSECURE_SSL: warning: INSECURE_SSL: certificates of shops are not checked; "
        "unset it when "
        "the shop's certificate is good again; the sink's is always checked");
  CHECK(shown(folder.load({{"INSECURE_SSL", "maybe"}}).found) ==
        "environment variable INSECURE_SSL: INSECURE_SSL: expected true or false, found 'maybe'");
  const auto bad = shown(folder.load({{"HTTPS_PROXY", "ftp://user:sesame@proxy.example"}}).found);
  CHECK(
      bad ==
      "environment variable HTTPS_PROXY: HTTPS_PROXY: not a proxy's address; write it as http://HOST:PORT or "
      "socks5://HOST:PORT");
}

TEST_CASE("where migrations go is in the environment, else in .env") {
  const configuration_folder folder;
  CHECK_FALSE(database_url(folder.load()));
  folder.write(".env", "SUPABASE_DB_URL=postgres://of-file\nDATABASE_URL=postgres://other\n");
  CHECK(database_url(folder.load()) == "postgres://of-file");
  CHECK(database_url(folder.load({{"SUPABASE_DB_URL", "postgres://of-process"}})) == "postgres://of-process");
  CHECK(database_url(folder.load({{"SUPABASE_DB_URL", ""}})) == "postgres://of-file");
  CHECK(database_url(folder.load_text("sink: { kind: postgres, url: 'postgres://of-sink' }\n")) ==
        "postgres://of-sink");
}

TEST_CASE("a .env that others can read is warned about") {
  const configuration_folder folder;
  const auto file = folder.write(".env", "A=b\n");
  CHECK(shown(folder.load().found) == "");
  std::filesystem::permissions(file, std::filesystem::perms::others_read, std::filesystem::perm_options::add);
  CHECK(shown(folder.load().found) ==
        ".env: warning: everyone on this machine can read it, and it may hold keys; chmod 600 .env");
}
