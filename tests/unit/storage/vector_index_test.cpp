#include "storage/vector_index.hpp"

#include "tests/unit/storage/state_fixture.hpp"

using namespace catwalk;
using namespace catwalk::storage;
using namespace catwalk::storage::test;
using namespace std::chrono_literals;
using strings = std::vector<std::string>;

namespace {

/// An index whose clock goes on by `reading_takes` each time it is looked at.
struct index_fixture : state_fixture {
  steady_time now{};
  std::chrono::milliseconds reading_takes{100};
  vector_index index{1'000'000, [this] { return now += reading_takes; }};

  strings nearest(int k, const std::string& fingerprint = "tower") {
    auto work = [this, k, fingerprint](sqlite::connection& c) -> result<strings> {
      const auto found = index.search(c, {1, 0}, k, fingerprint, std::nullopt);
      if (!found) return found.error();
      strings ids;
      for (const auto& one : *found) ids.push_back(one.item.external_id);
      return ids;
    };
    return value_of(wait_for(db->internals().read(work)));
  }
};

}  // namespace

TEST_CASE_METHOD(index_fixture, "a matrix that took long to read serves a while, without what is gone") {
  commit(begin(), {make("a"), make("b"), make("c")});
  embed(make("a").image_url, {1, 0});
  embed(make("b").image_url, {1, 1});
  CHECK(nearest(10) == strings{"a", "b"});
  embed(make("c").image_url, {3, 1});
  CHECK(nearest(10) == strings{"a", "b"});
  execute("update products set gone_at = 1 where id = 'id-a'");
  CHECK(nearest(10) == strings{"b"});
  CHECK(nearest(10, "another tower").empty());
  CHECK(nearest(10) == strings{"c", "b"});
  execute("update products set gone_at = null");
  embed(make("b").image_url, {5, 1});
  CHECK(nearest(10) == strings{"b", "c"});  // as they are, where they are known
  now += 1s;
  CHECK(nearest(10) == strings{"a", "b", "c"});
}

TEST_CASE_METHOD(index_fixture, "a matrix that is read at once is read whenever vectors changed") {
  reading_takes = 0ms;
  commit(begin(), {make("a"), make("b")});
  embed(make("a").image_url, {1, 0});
  CHECK(nearest(10) == strings{"a"});
  embed(make("b").image_url, {1, 1});
  CHECK(nearest(10) == strings{"a", "b"});
}
