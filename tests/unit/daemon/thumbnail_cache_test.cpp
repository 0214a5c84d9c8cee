#include "daemon/thumbnail_cache.hpp"

#include <fstream>
#include <set>

#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace catwalk::daemon;
using names = std::vector<std::string>;

TEST_CASE("what was used longest ago is given up for what is new") {
  eviction_order order(100);
  CHECK(order.add("a", 40).empty());
  CHECK(order.add("b", 40).empty());
  CHECK(order.use("a"));
  CHECK(order.add("c", 40) == names{"b"});
  CHECK_FALSE(order.use("b"));
  CHECK(order.bytes() == 80);
  CHECK(order.add("a", 10).empty());
  CHECK(order.bytes() == 50);
  CHECK(order.add("d", 100) == names{"c", "a"});
}

TEST_CASE("what is larger than the whole cache is not kept") {
  eviction_order order(10);
  CHECK(order.add("a", 5).empty());
  CHECK(order.add("b", 11) == names{"a", "b"});
  CHECK(order.size() == 0);
  eviction_order none(0);
  CHECK(none.add("a", 1) == names{"a"});
}

TEST_CASE("thumbnails outlive the process, within their bound") {
  const catwalk::testing::temporary_folder folder;
  const auto place = folder.path() / "thumbnails";
  {
    thumbnail_cache cache(place, 1000);
    cache.open();
    CHECK_FALSE(cache.find("https://shop.test/1.jpg"));
    for (int i = 0; i < 5; ++i)
      cache.add("https://shop.test/" + std::to_string(i) + ".jpg",
                std::string(300, static_cast<char>('0' + i)));
    CHECK(cache.bytes() == 900);
    CHECK_FALSE(cache.find("https://shop.test/1.jpg"));
    CHECK(cache.find("https://shop.test/4.jpg") == std::string(300, '4'));
  }
  std::ofstream(place / "left.new") << "half";
  thumbnail_cache again(place, 700);
  again.open();
  CHECK(again.bytes() == 600);
  CHECK(again.find("https://shop.test/4.jpg"));
  CHECK_FALSE(std::filesystem::exists(place / "left.new"));
}
