#include "storage/adoption.hpp"

#include "core/sha256.hpp"
#include "storage/outbox.hpp"
#include "storage/sync_guard.hpp"
#include "tests/unit/storage/state_fixture.hpp"

using namespace catwalk;
using namespace catwalk::storage;
using namespace catwalk::storage::test;
using strings = std::vector<std::string>;

namespace {

struct adoption_fixture : state_fixture {
  std::shared_ptr<const layout> shape =
      std::make_shared<const layout>(value_of(layout::make({}, std::nullopt)));

  /// The row that the sink holds for a product, under another id where one is given.
  adoptable_row held(product p, const std::string& id = "") const {
    adoptable_row row;
    row.columns = shape->fields(p, nullptr);
    if (!id.empty()) {
      p.id = product_id(id);
      row.columns["id"] = id;
    }
    row.item = std::move(p);
    row.has_vector = true;
    row.vector = vector({1, 2}, "adopted");
    return row;
  }
  adoption_counts adopt(std::vector<adoptable_row> rows) {
    return value_of(wait_for(products.adopt(std::move(rows), shape)));
  }
  page_counts read(run_id run, std::vector<product> items) {
    page_commit page;
    page.run = run;
    page.page.site = site_name("Shop");
    page.page.endpoint = page.page.url = "https://shop.test/list0";
    for (const auto& item : items) page.page.listed.push_back(item.id);
    page.products = std::move(items);
    page.shape = shape;
    page.fingerprint = "tower";
    return value_of(wait_for(products.commit_page(std::move(page))));
  }
};

}  // namespace

TEST_CASE_METHOD(adoption_fixture, "a row that says what would be written is neither written nor embedded") {
  CHECK(adopt({held(make("a")), held(make("b"))}).adopted == 2);
  const auto counts = read(begin(), {make("a"), make("b", "12USD")});
  CHECK(counts.unchanged == 1);
  CHECK(counts.changed == 1);
  CHECK(outbox() == strings{"id-b:upsert:1:0"});
  CHECK(due().empty());
  CHECK(entry("a").vector->fingerprint == "adopted");
}

TEST_CASE_METHOD(adoption_fixture, "a row under an older id, or found by its address, keeps its id") {
  const auto older = sha256_hex("shop:https://shop.test/p/a");
  adopt({held(make("a"), older), held(make("b"), "of the database")});
  const auto counts = read(begin(), {make("a"), make("b", "12USD")});
  CHECK(counts.added == 0);
  CHECK(outbox() == strings{"id-b:upsert:1:0"});
  storage::outbox box(db);
  const auto rows = value_of(wait_for(box.due(wall_now(), 10)));
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].item.id.str() == "of the database");
  CHECK(due().empty());
}

TEST_CASE_METHOD(adoption_fixture, "a picture that the sink has under its raw address is not made again") {
  auto p = make("a");
  p.image_url = "https://shop.test/i/a.jpg?w=800";
  p.raw_image_url = "//shop.test/i/a.jpg?w={width}";
  auto row = held(p);
  row.item.image_url = p.raw_image_url;
  row.columns["image_url"] = p.raw_image_url;
  adopt({row});
  read(begin(), {p});
  CHECK(due().empty());
  CHECK(entry("a").vector);
  CHECK(outbox() == strings{"id-a:upsert:1:0"});  // its address is mended
}

TEST_CASE_METHOD(adoption_fixture, "rows that nothing lists are gone once every listing came through") {
  adopt({held(make("a")), held(make("b"))});
  sync_request request{sync_request::kind::remove, {1, 0, 1}, std::nullopt, true};
  auto run = begin();
  read(run, {make("a")});
  site_listing part{
      run, site_name("Shop"), {{"https://shop.test/list0", true}, {"https://shop.test/list1", false}}};
  CHECK(value_of(wait_for(products.sync(part, request))).gone == 0);
  run = begin();
  read(run, {make("a")});
  site_listing all{run, site_name("Shop"), {{"https://shop.test/list0", true}}};
  CHECK(value_of(wait_for(products.sync(all, request))).gone == 1);
  CHECK(outbox() == strings{"id-b:delete:0:0"});
}

TEST_CASE_METHOD(adoption_fixture, "a row that is back under another id leaves nothing in the outbox") {
  adopt({held(make("a"), "of the database"), held(make("b"))});
  sync_request request{sync_request::kind::remove, {1, 0, 1}, std::nullopt, true};
  auto run = begin();
  read(run, {make("b")});
  site_listing all{run, site_name("Shop"), {{"https://shop.test/list0", true}}};
  CHECK(value_of(wait_for(products.sync(all, request))).gone == 1);
  CHECK(outbox() == strings{"of the database:delete:0:0"});
  read(begin(), {make("a"), make("b")});
  CHECK(outbox() == strings{"id-a:upsert:3:0"});
}

TEST_CASE_METHOD(adoption_fixture, "what the catalogue has already is compared, and sent where it differs") {
  const auto run = begin();
  commit(run, {make("a"), make("b")}, 0, false);
  CHECK(adopt({held(make("a")), held(make("b", "12USD"))}).known == 2);
  storage::outbox box(db);
  CHECK(value_of(wait_for(box.adopt_sink("sink"))) == 1);
  CHECK(outbox().at(0).substr(0, 5) == "id-b:");
}

TEST_CASE_METHOD(adoption_fixture, "a dry run compares an adopted row with what its table keeps") {
  // A table of February 2026: it has neither availability nor country nor currency.
  shape = std::make_shared<const layout>(value_of(layout::make({"2026-02", {}, "auto"}, std::nullopt)));
  adopt({held(make("a")), held(make("b"), "of the database"), held(make("c"))});
  auto changed = make("c", "12USD");
  changed.availability = "out_of_stock";
  for (const char* name : {"auto", "2026-02"}) {
    const auto found =
        value_of(wait_for(products.compare({make("a"), make("b"), changed, make("d")}, {name, {}, "auto"})));
    REQUIRE(found.size() == 4);
    CHECK(found[0].what == comparison::kind::unchanged);
    CHECK(found[1].what == comparison::kind::unchanged);
    CHECK(found[2].what == comparison::kind::changed);
    CHECK(found[2].changed_fields == strings{"price"});
    CHECK(found[3].what == comparison::kind::added);
  }
  // It changes nothing: the run that follows takes the rows over.
  CHECK(read(begin(), {make("a"), make("b"), changed}).unchanged == 2);
}
