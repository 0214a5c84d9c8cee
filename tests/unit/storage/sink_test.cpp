#include "storage/sink.hpp"

#include <boost/asio/thread_pool.hpp>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/support/loopback_server.hpp"
#include "tests/unit/storage/state_fixture.hpp"

using namespace catwalk;
using namespace catwalk::storage;
using namespace catwalk::storage::test;
using catwalk::testing::loopback_server;
using nlohmann::json;
namespace asio = boost::asio;
using kind = sink_reply::kind;

namespace {

constexpr const char* february =
    R"j({"definitions": {"products": {"properties": {"id": {"format": "text"}, "source": {"format": "text"},
      "title": {"format": "text"}, "image_url": {"format": "text"}, "additional_images": {"format": "text"},
      "product_url": {"format": "text"}, "price": {"format": "text"},
      "image_embedding": {"format": "extensions.vector(768)"}}}}})j";

sink_row row_of(const std::string& id, std::optional<embedding> vector = std::nullopt) {
  sink_row row;
  row.item = state_fixture::make(id);
  row.key = row.item.id;
  row.vector = std::move(vector);
  return row;
}

/// A Supabase that answers GET / with the columns of February 2026 and everything else as `answer` says.
struct supabase_fixture {
  std::function<loopback_server::reply(const loopback_server::request&)> answer = [](auto&) {
    loopback_server::reply r;
    r.status = 201;
    return r;
  };
  std::string columns = february;
  loopback_server server{[this](const loopback_server::request& r) {
    if (r.target != "/rest/v1/") return answer(r);
    loopback_server::reply found;
    found.body = columns;
    return found;
  }};
  config::sink_settings settings;
  asio::thread_pool workers{1};
  asio::io_context loop;
  http_client http{loop.get_executor(), [] {
                     http_client_options o;
                     o.name = "sink";
                     o.user_agent = "Mozilla/5.0";
                     o.guard_addresses = false;
                     return o;
                   }()};

  supabase_fixture() {
    settings.kind = "supabase";
    settings.key = config::secret("sb_secret_0123456789");
  }
  std::unique_ptr<sink> make() {
    settings.url = config::secret(server.at("/"));
    return value_of(make_sink(settings, http, workers.get_executor()));
  }
  template <class T>
  T run(asio::awaitable<T> task) {
    auto done = asio::co_spawn(loop, std::move(task), asio::use_future);
    loop.restart();
    loop.run();
    return done.get();
  }
};

/// A vector as wide as the fixture's column, beginning with `values`.
embedding as_wide_as_the_column(std::vector<float> values) {
  values.resize(768);
  return state_fixture::vector(std::move(values));
}

std::string refusal(const std::string& code) {
  return R"({"code":")" + code + R"(","message":"m"})";
}

}  // namespace

TEST_CASE_METHOD(supabase_fixture,
                 "the table's layout and the vector's width are read from its description") {
  const auto to = make();
  const auto d = value_of(run(to->describe()));
  CHECK(d.layout == "2026-02");
  CHECK(d.vector_width == 768);
  CHECK_FALSE(d.warnings.empty());
  const auto seen = server.requests().at(0);
  CHECK(seen.header("apikey") == "sb_secret_0123456789");
  CHECK_FALSE(seen.header("authorization"));
  CHECK(seen.header("user-agent") == "catwalk/" CATWALK_VERSION);
}

TEST_CASE_METHOD(supabase_fixture, "a legacy key goes into both headers") {
  settings.key = config::secret("eyJhbGciOi.J9.x");
  settings.headers = {{"x-team", "a"}};
  const auto to = make();
  value_of(run(to->describe()));
  const auto seen = server.requests().at(0);
  CHECK(seen.header("authorization") == "Bearer eyJhbGciOi.J9.x");
  CHECK(seen.header("apikey") == "eyJhbGciOi.J9.x");
  CHECK(seen.header("x-team") == "a");
}

TEST_CASE_METHOD(supabase_fixture, "vectors of another width than the column's park, and nothing is sent") {
  const auto to = make();
  const std::vector<sink_row> rows{row_of("a", state_fixture::vector({1, 2}))};
  const auto reply = run(to->upsert(rows));
  CHECK(reply.what == kind::park);
  CHECK(reply.why.code == errc::model_mismatch);
  CHECK(reply.why.to_string().find("768") != std::string::npos);
  CHECK(server.requests().size() == 1);  // the table's description
}

TEST_CASE_METHOD(supabase_fixture, "rows are merged by their key, with uniform columns") {
  const auto to = make();
  auto a = row_of("a", as_wide_as_the_column({0.1f, 2}));
  const std::vector<sink_row> with{a, row_of("b", as_wide_as_the_column({3, 4}))}, without{row_of("c")};
  CHECK(run(to->upsert(with)).what == kind::accepted);
  CHECK(run(to->upsert(without)).what == kind::accepted);
  const auto seen = server.requests();
  REQUIRE(seen.size() == 3);
  CHECK(seen[1].method == "POST");
  CHECK(seen[1].target ==
        "/rest/v1/products?on_conflict=id&columns=%22id%22,%22source%22,%22title%22,%22image_url%22,"
        "%22additional_images%22,%22product_url%22,%22price%22,%22image_embedding%22");
  CHECK(seen[1].header("prefer") == "resolution=merge-duplicates,return=minimal");
  CHECK(seen[1].header("content-type") == "application/json");
  const auto body = json::parse(seen[1].body);
  REQUIRE(body.size() == 2);
  CHECK(body[0]["id"] == "id-a");
  CHECK(seen[1].body.find("[0.100000001,2,0,") != std::string::npos);
  CHECK(seen[2].target.find("embedding") == std::string::npos);
  CHECK(seen[2].body.find("embedding") == std::string::npos);
}

TEST_CASE_METHOD(supabase_fixture, "refusals, broken connections and redirects are no success") {
  const auto to = make();
  const std::vector<sink_row> rows{row_of("a")};
  loopback_server::reply r;
  answer = [&](auto&) { return r; };
  r.status = 500;
  r.body = refusal("57014");
  CHECK(run(to->upsert(rows)).what == kind::halve);
  r.status = 201;
  r.body = "";
  r.announced = 100;
  r.close = true;
  const auto cut = run(to->upsert(rows));
  CHECK(cut.what == kind::retry);
  CHECK(cut.outcome_unknown);
  r = {};
  r.status = 302;
  r.headers = {{"Location", server.at("/elsewhere")}};
  CHECK(run(to->upsert(rows)).what == kind::park);
}

TEST_CASE_METHOD(supabase_fixture, "a changed table is looked at again after a refusal for its columns") {
  const auto to = make();
  const std::vector<sink_row> rows{row_of("a")};
  answer = [&](auto&) {
    loopback_server::reply r;
    r.status = 400;
    r.body = refusal("PGRST204");
    return r;
  };
  CHECK(run(to->upsert(rows)).what == kind::park);
  columns =
      R"({"definitions": {"products": {"properties": {"id": {}, "product_url": {}, "image_url": {}, "image_embedding": {}}}}})";
  answer = [](auto&) {
    loopback_server::reply r;
    r.status = 201;
    return r;
  };
  CHECK(run(to->upsert(rows)).what == kind::accepted);
  CHECK(server.requests().back().target ==
        "/rest/v1/products?on_conflict=id&columns=%22id%22,%22image_url%22,%22product_url%22");
}

TEST_CASE_METHOD(supabase_fixture,
                 "a table that does not list its columns is probed, its width read from a row") {
  columns = "{}";
  const std::set<std::string> present{"id",          "source",          "image_url",
                                      "product_url", "image_embedding", "additional_images"};
  answer = [&](const loopback_server::request& q) {
    loopback_server::reply r;
    r.body = "[]";
    if (q.target.find("not.is.null") != std::string::npos) {
      r.body = R"([{"image_embedding": "[0.25,1,2]"}])";
      return r;
    }
    const auto at = q.target.find("select=") + 7;
    const auto name = q.target.substr(at, q.target.find('&', at) - at);
    if (present.count(name) > 0) return r;
    r.status = 400;
    r.body = refusal("42703");
    return r;
  };
  const auto to = make();
  const auto d = value_of(run(to->describe()));
  CHECK(d.layout == "2026-02");
  CHECK(d.vector_width == 3);
}

TEST_CASE_METHOD(supabase_fixture, "a wrong key and a missing table are told apart") {
  const auto to = make();
  loopback_server::reply r;
  answer = [&](auto&) { return r; };
  r.status = 404;
  r.body = refusal("PGRST205");
  columns = R"({"definitions": {}})";
  CHECK(name_of(run(to->describe()).error().code) == "sink_schema");
  r.status = 401;
  r.body = R"({"message":"Invalid API key"})";
  const auto e = run(to->describe()).error();
  CHECK(name_of(e.code) == "sink_unauthorized");
  CHECK(e.to_string().find("sb_secret") == std::string::npos);
  const std::vector<sink_row> rows{row_of("a")};
  CHECK(run(to->upsert(rows)).what == kind::park);
}

TEST_CASE_METHOD(supabase_fixture,
                 "of a product that collides on its address, the id that the table has is told") {
  const auto to = make();
  answer = [&](const loopback_server::request& q) {
    loopback_server::reply r;
    if (q.method == "GET") {
      r.body = R"([{"id": "older"}])";
      return r;
    }
    r.status = 409;
    r.body = refusal("23505");
    return r;
  };
  const std::vector<sink_row> rows{row_of("a")};
  const auto reply = run(to->upsert(rows));
  CHECK(reply.what == kind::bisect);
  CHECK(reply.held_as == "older");
  CHECK(server.requests().at(2).target ==
        "/rest/v1/products?select=id&source=eq.shop&product_url=eq.https%3A%2F%2Fshop.test%2Fp%2Fa&limit=2");
}

TEST_CASE_METHOD(supabase_fixture, "what is missing in the settings is named") {
  settings.url = config::secret("http://x.test");
  settings.key = config::secret();
  CHECK(make_sink(settings, http, workers.get_executor()).error().on == "sink.key");
  settings.key = config::secret("k");
  settings.url = config::secret();
  CHECK(make_sink(settings, http, workers.get_executor()).error().on == "sink.url");
  settings.url = config::secret("xyz");
  CHECK(make_sink(settings, http, workers.get_executor()).error().on == "sink.url");
  settings.kind = "postgres";
  settings.url = config::secret();
  CHECK(make_sink(settings, http, workers.get_executor()).error().on == "sink.url");
  settings.kind = "file";
  settings.path = "rows.parquet";
  CHECK(make_sink(settings, http, workers.get_executor()).error().on == "sink.path");
  settings.kind = "none";
  CHECK(value_of(make_sink(settings, http, workers.get_executor())) == nullptr);
}

TEST_CASE_METHOD(supabase_fixture, "a file takes one line of JSON for each row") {
  temporary_folder folder;
  settings.kind = "file";
  settings.path = folder.path() / "rows.jsonl";
  const auto to = value_of(make_sink(settings, http, workers.get_executor()));
  CHECK(value_of(run(to->describe())).layout == "catwalk");
  const std::vector<sink_row> rows{row_of("a", state_fixture::vector({1, 2})),
                                   row_of("b", state_fixture::vector({3, 4}))};
  CHECK(run(to->upsert(rows)).what == kind::accepted);
  std::ifstream file(settings.path);
  std::string line;
  int n = 0;
  while (std::getline(file, line)) {
    ++n;
    CHECK(json::parse(line)["image_embedding"].size() == 2);
  }
  CHECK(n == 2);
  settings.path = folder.path() / "missing" / "rows.jsonl";
  const auto nowhere = value_of(make_sink(settings, http, workers.get_executor()));
  CHECK(run(nowhere->upsert(rows)).what == kind::retry);
}

TEST_CASE_METHOD(supabase_fixture, "rows are removed by their keys, however they are written") {
  const auto to = make();
  auto odd = row_of("b");
  odd.item.id = product_id(R"(a,"b"\\c)");
  const std::vector<sink_row> rows{row_of("a"), odd};
  CHECK(run(to->remove(rows)).what == kind::accepted);
  const auto seen = server.requests().at(1);
  CHECK(seen.method == "DELETE");
  CHECK(seen.target == "/rest/v1/products?id=in.(%22id-a%22,%22a%2C%5C%22b%5C%22%5C%5C%5C%5Cc%22)");
}

TEST_CASE_METHOD(supabase_fixture, "addresses stay short, whatever is removed") {
  const auto to = make();
  std::vector<sink_row> rows;
  rows.reserve(200);
  for (int i = 0; i < 200; ++i) rows.push_back(row_of(std::string(60, 'x') + std::to_string(i)));
  CHECK(run(to->remove(rows)).what == kind::accepted);
  const auto seen = server.requests();
  CHECK(seen.size() > 2);
  for (const auto& r : seen) CHECK(r.target.size() < 6'200);
}

TEST_CASE_METHOD(supabase_fixture, "a row that something still points at stays, and is said") {
  const auto to = make();
  answer = [](const loopback_server::request&) {
    loopback_server::reply r;
    r.status = 409;
    r.body = refusal("23503");
    return r;
  };
  const std::vector<sink_row> both{row_of("a"), row_of("b")}, one{row_of("a")};
  CHECK(run(to->remove(both)).what == kind::bisect);
  const auto reply = run(to->remove(one));
  CHECK(reply.what == kind::accepted);
  CHECK(reply.still_used == std::vector<product_id>{product_id("id-a")});
}
