#include "tests/unit/config/configuration_folder.hpp"

using namespace catwalk::config;

namespace {

const std::string supabase = "sink: { kind: supabase, url: 'https://x.example', key: ";

}  // namespace

TEST_CASE("a secret has four forms") {
  const configuration_folder folder;
  folder.write("key.txt", "sesame\n");
  folder.write("credentials/supabase_key", "from-systemd\r\n");
  const environment env{{"CREDENTIALS_DIRECTORY", (folder.path() / "credentials").string()},
                        {"MY_KEY", "from-env"}};
  CHECK(folder.load_text(supabase + "plain }\n", env).values.sink.key.reveal() == "plain");
  CHECK(folder.load_text(supabase + "12345 }\n", env).values.sink.key.reveal() == "12345");
  const loaded file = folder.load_text(supabase + "{ file: key.txt } }\n", env);
  CHECK(shown(file.found).empty());
  CHECK(file.values.sink.key.reveal() == "sesame");
  const loaded credential = folder.load_text(supabase + "{ credential: supabase_key } }\n", env);
  CHECK(shown(credential.found).empty());
  CHECK(credential.values.sink.key.reveal() == "from-systemd");
  const loaded variable = folder.load_text(supabase + "{ env: MY_KEY } }\n", env);
  CHECK(variable.values.sink.key.reveal() == "from-env");
  CHECK(shown(variable.found) ==
        "catwalk.yaml:1:63: warning: sink.key: a secret in the environment can be read by other processes of "
        "the same "
        "user; { credential: NAME } or { file: PATH } is safer");
}

TEST_CASE("a missing secret is an error where it is needed") {
  const configuration_folder folder;
  const std::string missing = (folder.path() / "none").string();
  CHECK(shown(folder.load_text(supabase + "{ file: none } }\n").found) ==
        "catwalk.yaml:1:64: sink.key: cannot read " + missing +
            ": No such file or directory (sink.kind supabase needs it)");
  CHECK(shown(folder.load_text(supabase + "{ credential: supabase_key } }\n").found) ==
        "catwalk.yaml:1:70: sink.key: the credential 'supabase_key' needs $CREDENTIALS_DIRECTORY (sink.kind "
        "supabase "
        "needs it); systemd sets it for a unit with LoadCredential=supabase_key:PATH; the unit of the "
        "package takes the files in "
        "/etc/catwalk/credentials");
  folder.write("empty", "\n");
  CHECK(shown(folder.load_text(supabase + "{ file: empty } }\n").found) ==
        "catwalk.yaml:1:64: sink.key: " + (folder.path() / "empty").string() +
            " is empty (sink.kind supabase needs it)");
  CHECK(has_errors(folder.load_text(supabase + "{ file: . } }\n").found));
  folder.write("huge", std::string(100'000, 'x'));
  CHECK(has_errors(folder.load_text(supabase + "{ file: huge } }\n").found));
}

TEST_CASE("outside of the service a credential comes from the folder beside the configuration") {
  const configuration_folder folder;
  folder.write("credentials/supabase_key", "of-the-folder\n");
  const std::string text = supabase + "{ credential: supabase_key } }\n";
  CHECK(folder.load_text(text).values.sink.key.reveal() == "of-the-folder");
  folder.write("given/supabase_key", "of-the-unit\n");
  const environment env{{"CREDENTIALS_DIRECTORY", (folder.path() / "given").string()}};
  CHECK(folder.load_text(text, env).values.sink.key.reveal() == "of-the-unit");
}

TEST_CASE("a command that needs no secret does without") {
  const configuration_folder folder;
  folder.write("catwalk.yaml", supabase + "{ credential: supabase_key } }\n");
  overrides flags;
  CHECK(has_errors(folder.load({}, flags).found));
  flags.secrets_needed = false;
  const loaded without = folder.load({}, flags);
  CHECK(shown(without.found).empty());
  CHECK(without.values.sink.kind == "supabase");
}

TEST_CASE("a missing secret that nothing needs is unset, with a warning") {
  const configuration_folder folder;
  const loaded result = folder.load_text("http: { token: { credential: http_token } }\n");
  CHECK(result.values.http.token.empty());
  CHECK(shown(result.found) ==
        "catwalk.yaml:1:30: warning: http.token: the credential 'http_token' needs $CREDENTIALS_DIRECTORY; "
        "it stays "
        "unset; systemd sets it for a unit with LoadCredential=http_token:PATH; the unit of the package "
        "takes the files in "
        "/etc/catwalk/credentials");
  // What the environment gives makes up for it.
  const loaded given = folder.load({{"CATWALK_HTTP_TOKEN", "t"}});
  CHECK(given.values.http.token.reveal() == "t");
  CHECK(shown(given.found).empty());
}

TEST_CASE("secrets of the wrong form are refused without their text") {
  const configuration_folder folder;
  for (const char* key : {"[sesame]", "{ sesame }", "{ file: [sesame] }", "{ credential: ../sesame }",
                          "{ file: a, env: sesame }", "{ sesame: x }", "{ fiel: sesame }", "{ file: '' }"}) {
    INFO(key);
    const loaded result = folder.load_text(supabase + key + " }\n");
    CHECK(has_errors(result.found));
    CHECK(result.found.size() == 1);
    CHECK(shown(result.found).find("sesame") == std::string::npos);
    CHECK(result.values.sink.key.empty());
  }
}

TEST_CASE("no value of a secret enters a problem") {
  const configuration_folder folder;
  const environment env{
      {"MY_KEY", "sesame"}, {"SUPABASE_URL", "sesame://u:sesame@x"}, {"SUPABASE_KEY", "sesame"}};
  for (const char* text :
       {"sink: { kind: supabase, key: sesame, url: 'sesame://x' }\n",
        "sink: { kind: postgres, url: 'sesame://u:sesame@x' }\n", "sink: { url: 'https://u:sesame@x' }\n",
        "sink: { kind: supabase, url: \"sesame\\nsesame\", key: { env: MY_KEY } }\n"}) {
    INFO(text);
    for (const auto& e : {environment{}, env}) {
      const loaded result = folder.load_text(text, e);
      CHECK_FALSE(result.found.empty());
      CHECK(shown(result.found).find("sesame") == std::string::npos);
    }
  }
}
