#include <boost/asio/io_context.hpp>

#include "daemon/site_run.hpp"
#include "tests/unit/storage/state_fixture.hpp"

using namespace catwalk;
using namespace catwalk::storage::test;
namespace asio = boost::asio;

namespace {

/// A site's way to the catalogue, and pages to send on it.
struct page_sink_fixture : state_fixture {
  asio::io_context loop;
  metrics counters;
  daemon::intake_gate intake{loop.get_executor(), "pages", [] { return std::optional<std::string>(); }};
  config::site site;
  daemon::site_report report;
  daemon::read_options options;
  storage::run_id run = begin();
  int told = 0;  ///< of commits

  page_sink_fixture() {
    site.name = report.site = "Shop";
    site.stanza_hash = "stanza";
  }

  static scrape::page page_of(const std::string& id) {
    scrape::page p;
    p.endpoint = "https://shop.test/list";
    p.url = "https://shop.test/p/" + id;
    p.validators.body_hash = "hash of " + id;
    p.products = {make(id)};
    return p;
  }

  /// Runs `use` with a sink to its end.
  template <class Use>
  void with_sink(Use use) {
    const auto whole = [&]() -> asio::awaitable<void> {
      daemon::committing_page_sink sink(
          {loop.get_executor(), products, intake, counters, true, "tower", [this] { ++told; },
           [] { return std::shared_ptr<const storage::layout>(); }, std::chrono::hours(1)},
          site, run, options, report);
      co_await use(sink);
      static_cast<void>(co_await sink.settle());
    };
    auto done = asio::co_spawn(loop, whole(), asio::use_future);
    loop.run();
    loop.restart();
    done.get();
  }

  bool is_stored(const std::string& id) {
    return value_of(wait_for(products.find(product_id("id-" + id)))).has_value();
  }
};

}  // namespace

TEST_CASE_METHOD(page_sink_fixture, "pages of single products are counted once they are durable") {
  with_sink([&](daemon::committing_page_sink& sink) -> asio::awaitable<void> {
    for (const char* id : {"a", "b", "c"}) value_of(co_await sink.accept(page_of(id)));
    CHECK(report.pages == 0);
    CHECK_FALSE(is_stored("a"));
    value_of(co_await sink.settle());
    CHECK(report.pages == 3);
  });
  CHECK(report.products == 3);
  CHECK(report.added == 3);
  CHECK(told == 3);
  for (const char* id : {"a", "b", "c"}) CHECK(is_stored(id));
}

TEST_CASE_METHOD(page_sink_fixture, "no more than a thousand products are on their way") {
  const auto list = [](int number, int count) {
    auto page = page_of("list" + std::to_string(number));
    page.products.clear();
    for (int i = 0; i < count; ++i)
      page.products.push_back(make(std::to_string(number) + "-" + std::to_string(i)));
    return page;
  };
  with_sink([&](daemon::committing_page_sink& sink) -> asio::awaitable<void> {
    value_of(co_await sink.accept(list(1, 600)));
    value_of(co_await sink.accept(list(2, 400)));
    CHECK(report.products == 0);
    value_of(co_await sink.accept(list(3, 1)));
    CHECK(report.products == 1000);
    CHECK(is_stored("2-399"));
    CHECK_FALSE(is_stored("3-0"));
    value_of(co_await sink.accept(list(4, 1001)));
    CHECK(report.products >= 2001);
    CHECK(is_stored("4-1000"));
  });
  CHECK(report.products == 2002);
}

TEST_CASE_METHOD(page_sink_fixture,
                 "where products are counted up to a limit, each page is durable at once") {
  options.limit = 2;
  with_sink([&](daemon::committing_page_sink& sink) -> asio::awaitable<void> {
    value_of(co_await sink.accept(page_of("a")));
    CHECK_FALSE(sink.limit_reached());
    value_of(co_await sink.accept(page_of("b")));
    CHECK(sink.limit_reached());
  });
  CHECK(report.limited);
}

TEST_CASE_METHOD(page_sink_fixture, "a page that comes again while its commit is under way is known") {
  with_sink([&](daemon::committing_page_sink& sink) -> asio::awaitable<void> {
    value_of(co_await sink.accept(page_of("a")));
    const auto known = co_await sink.known("https://shop.test/list", "https://shop.test/p/a");
    REQUIRE(known);
    CHECK(known->validators.body_hash == "hash of a");
  });
}

TEST_CASE_METHOD(page_sink_fixture, "what was skipped on a page is skipped again where it is unchanged") {
  auto first = page_of("a");
  first.skipped = {{"no price", "b (Coat \xff)", product_id("id-b")}, {"no id", "item 3", {}}};
  const std::string endpoint = first.endpoint, url = first.url;
  with_sink([&](daemon::committing_page_sink& sink) -> asio::awaitable<void> {
    value_of(co_await sink.accept(page_of("b")));
    value_of(co_await sink.accept(std::move(first)));
  });
  const auto skipped = report.skipped;
  CHECK(counters.products("Shop", "skipped").Value() == 2);
  CHECK(skipped == std::map<std::string, int>{{"no id", 1}, {"no price", 1}});
  report = {};
  with_sink([&](daemon::committing_page_sink& sink) -> asio::awaitable<void> {
    const auto known = co_await sink.known(endpoint, url);
    REQUIRE(known);
    CHECK(known->products == 1);
    scrape::page again;
    again.endpoint = endpoint;
    again.url = url;
    again.keep(*known);
    value_of(co_await sink.accept(std::move(again)));
  });
  CHECK(report.skipped == skipped);
  CHECK(counters.products("Shop", "skipped").Value() == 4);
  CHECK(report.examples.at("no price") == "b (Coat \ufffd)");
  CHECK(report.products == 1);
  CHECK(report.unchanged == 1);
}

TEST_CASE_METHOD(page_sink_fixture,
                 "a page that cannot be committed ends the site's run and nobody else's page") {
  execute(
      "create trigger t before insert on pages when new.url = 'https://shop.test/p/b' begin "
      "select raise(abort, 'no'); end");
  with_sink([&](daemon::committing_page_sink& sink) -> asio::awaitable<void> {
    for (const char* id : {"a", "b", "c"}) value_of(co_await sink.accept(page_of(id)));
    const auto settled = co_await sink.settle();
    REQUIRE(settled.has_error());
    CHECK(name_of(settled.error().code) == "database");
    CHECK((co_await sink.accept(page_of("d"))).has_error());
  });
  CHECK(report.pages == 2);
  CHECK(is_stored("a"));
  CHECK_FALSE(is_stored("b"));
  CHECK(is_stored("c"));
  CHECK_FALSE(is_stored("d"));
}

TEST_CASE_METHOD(page_sink_fixture, "more pages than may be on their way wait for those before them") {
  constexpr int many = 300;
  with_sink([&](daemon::committing_page_sink& sink) -> asio::awaitable<void> {
    for (int i = 0; i < many; ++i) value_of(co_await sink.accept(page_of(std::to_string(i))));
  });
  CHECK(report.products == many);
  CHECK(told == many);
}
