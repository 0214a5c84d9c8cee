#include "embed/zip_archive.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/result_printer.hpp"
#include "tests/unit/embed/zip_samples.hpp"

namespace {

using namespace catwalk;
using namespace catwalk::embed;
using namespace catwalk::embed::samples;

const std::string words = repeated("some words, and ", 100);

}  // namespace

TEST_CASE("zip archive: entries are found and unpacked") {
  const auto bytes =
      zip_of({stored_as_is("a/Stored", words), stored_deflated("a/deflated", words), stored_as_is("a/", "")});
  const auto archive = zip_archive::read(bytes, "a.pt");
  REQUIRE(archive);
  REQUIRE(archive->entries().size() == 3);
  for (const auto name : {"a/Stored", "a/deflated", "A/STORED"}) {
    CAPTURE(name);
    const auto* entry = archive->find(name);
    REQUIRE(entry != nullptr);
    CHECK(entry->size == words.size());
    CHECK(unpacked(*entry) == words);
  }
  CHECK(archive->find("a/none") == nullptr);
  CHECK(unpacked(*archive->find("a/")) == "");
}

TEST_CASE("zip archive: numbers of 64 bits are read where they stand") {
  auto wide = stored_deflated("a/wide", words);
  wide.wide = true;
  zip_directory directory;
  auto bytes = entries_of({stored_as_is("a/first", words), wide}, directory);
  bytes += directory.bytes + wide_end_of(directory);
  const auto archive = zip_archive::read(bytes, "a.pt");
  REQUIRE(archive);
  CHECK(unpacked(*archive->find("a/wide")) == words);
}

TEST_CASE("zip archive: the last end record counts, as for torch's reader") {
  const auto bytes = zip_of({stored_as_is("a/first", "1")});
  auto later = stored_as_is("a/second", "2");
  later.begin = static_cast<std::int64_t>(bytes.size());
  zip_directory directory;
  const auto entries = entries_of({later}, directory);
  directory.begin += bytes.size();
  const auto both = bytes + entries + directory.bytes + end_of(directory);
  const auto archive = zip_archive::read(both, "a.pt");
  REQUIRE(archive);
  CHECK(archive->find("a/first") == nullptr);
  REQUIRE(archive->find("a/second") != nullptr);
  CHECK(archive->find("a/second")->bytes == "2");

  const auto padded = zip_archive::read(bytes + std::string(1000, ' '), "a.pt");
  REQUIRE(padded);
  CHECK(padded->find("a/first") != nullptr);
  CHECK_FALSE(zip_archive::read(bytes + std::string(70'000, ' '), "a.pt"));
}

TEST_CASE("zip archive: an archive cut anywhere is refused") {
  const auto whole = zip_of({stored_as_is("a/stored", "words"), stored_deflated("a/deflated", words)});
  REQUIRE(zip_archive::read(whole, "a.pt"));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    CHECK_FALSE(zip_archive::read(whole.substr(0, size), "a.pt"));
  }
}

TEST_CASE("zip archive: what the directory claims is checked against the file") {
  const auto good = stored_as_is("a/entry", words);
  const auto with = [&](auto change) {
    auto entry = good;
    change(entry);
    return zip_of({entry});
  };
  const auto directory_of = [&](auto change) {
    zip_directory directory;
    const auto bytes = entries_of({good}, directory) + directory.bytes;
    auto claimed = directory;
    change(claimed);
    return bytes + end_of(claimed);
  };
  struct example {
    std::string name, bytes, says;
  };
  const std::vector<example> table{
      {"no zip", words, "no directory at its end"},
      {"beyond the end", with([](auto& e) { e.size = e.stored = 100'000; }), "a/entry goes beyond the end"},
      {"of 4 GB without its size", with([](auto& e) { e.size = e.stored = 0xffffffff; }),
       "a/entry lacks a size"},
      {"of 16 EB", with([](auto& e) { e.size = e.stored = ~0ULL, e.wide = true; }),
       "a/entry goes beyond the end"},
      {"larger than it is", with([](auto& e) { e.size = 400'000'000; }), "a/entry claims another size"},
      {"in another place", with([](auto& e) { e.begin = 5; }), "a/entry is not where"},
      {"outside", with([](auto& e) { e.begin = 1'000'000; }), "a/entry is not where"},
      {"encrypted", with([](auto& e) { e.flags = 1; }), "a/entry is encrypted"},
      {"packed in another way", with([](auto& e) { e.method = 12; }), "neither stored nor deflated"},
      {"twice", zip_of({good, stored_as_is("A/Entry", "")}), "A/Entry stands in it twice"},
      {"a name that C ends early", with([](auto& e) { e.name += std::string("\0x", 2); }), "ends too early"},
      {"a directory of 4 GB", directory_of([](auto& d) { d.bytes.resize(5'000'000); }), "larger than 4 MB"},
      {"a directory outside", directory_of([](auto& d) { d.begin += 1000; }), "outside of it"},
      {"more entries than there are", directory_of([](auto& d) { d.entries = 2; }), "directory is damaged"},
      {"a directory somewhere else", directory_of([](auto& d) { d.begin -= 1; }), "directory is damaged"},
  };
  for (const auto& e : table) {
    CAPTURE(e.name);
    const auto archive = zip_archive::read(e.bytes, "a.pt");
    REQUIRE_FALSE(archive);
    CHECK(archive.error().code == errc::model_invalid);
    CHECK(archive.error().on == "a.pt");
    CHECK_FALSE(archive.error().hint.empty());
    CHECK_THAT(archive.error().why, Catch::Contains(e.says));
  }
}

TEST_CASE("zip archive: what unpacks to another size is refused") {
  for (const auto size : {words.size() - 1, words.size() + 1}) {
    auto entry = stored_deflated("a/entry", words);
    entry.size = size;
    const auto bytes = zip_of({entry});
    const auto archive = zip_archive::read(bytes, "a.pt");
    REQUIRE(archive);
    CHECK_FALSE(unpacked(archive->entries()[0]));
  }
  auto cut = stored_deflated("a/entry", words);
  cut.bytes.resize(cut.bytes.size() / 2);
  cut.stored = cut.bytes.size();
  const auto bytes = zip_of({cut});
  CHECK_FALSE(unpacked(zip_archive::read(bytes, "a.pt")->entries()[0]));
}
