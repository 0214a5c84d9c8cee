#include "storage/row_file.hpp"

#include <fstream>
#include <iterator>

#include "tests/unit/storage/state_fixture.hpp"

using namespace catwalk;
using namespace catwalk::storage;
using namespace catwalk::storage::test;

namespace {

struct row_file_fixture {
  temporary_folder folder;
  row_file::form form{{"id", "title", "tags", "v"}, {"id"}, "v"};

  std::string text(const char* name) const {
    std::ifstream in(folder.path() / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  row_file open(const char* name) const { return row_file(folder.path() / name, form); }
};

}  // namespace

TEST_CASE_METHOD(row_file_fixture, "the latest row of a key counts, its vector stays, what is deleted goes") {
  auto f = open("rows.jsonl");
  value_of(f.add("{\"id\":\"a\",\"title\":\"x\",\"v\":[0.1,2]}\n{\"id\":\"b\",\"title\":\"y\"}\n"));
  CHECK(text("rows.jsonl").empty());
  CHECK(f.unsettled());
  value_of(f.settle());
  CHECK_FALSE(f.unsettled());
  value_of(f.add("{\"id\":\"a\",\"title\":\"z\"}\n{\"id\":\"b\",\"deleted\":true}\n"));
  value_of(f.settle());
  CHECK(text("rows.jsonl") == "{\"id\":\"a\",\"title\":\"z\",\"v\":[0.1,2]}\n");
  value_of(f.add("{\"id\":\"b\",\"title\":\"back\"}\n"));
  value_of(f.settle());
  CHECK(text("rows.jsonl").find("back") != std::string::npos);
}

TEST_CASE_METHOD(row_file_fixture, "a journal that a crash left is taken up, without its broken end") {
  {
    auto f = open("rows.jsonl");
    value_of(f.add("{\"id\":\"a\"}\n"));
  }
  std::ofstream(folder.path() / "rows.jsonl.journal", std::ios::app) << "{\"id\":\"b";
  auto f = open("rows.jsonl");
  value_of(f.settle());
  CHECK(text("rows.jsonl") == "{\"id\":\"a\"}\n");
}

TEST_CASE_METHOD(row_file_fixture, "a file that is something else is not overwritten") {
  std::ofstream(folder.path() / "rows.jsonl") << "a letter\n";
  auto f = open("rows.jsonl");
  value_of(f.add("{\"id\":\"a\"}\n"));
  CHECK(name_of(f.settle().error().code) == "malformed");
  CHECK(text("rows.jsonl") == "a letter\n");
}

TEST_CASE_METHOD(row_file_fixture, "CSV is quoted as RFC 4180 says") {
  auto f = open("rows.csv");
  value_of(
      f.add("{\"id\":\"a\",\"title\":\"5\\\" x, \\n\",\"tags\":[\"u\"],\"v\":[0.5,1]}\n{\"id\":\"b\"}\n"));
  value_of(f.settle());
  CHECK(text("rows.csv") == "id,title,tags,v\r\na,\"5\"\" x, \n\",\"[\"\"u\"\"]\",\"[0.5,1]\"\r\nb,,,\r\n");
}

TEST_CASE_METHOD(row_file_fixture, "vectors become a matrix, with the key of each row") {
  auto f = open("vectors.npy");
  value_of(f.add("{\"id\":\"a\",\"v\":[0.5,1]}\n{\"id\":\"none\"}\n{\"id\":\"b\",\"v\":[2,3]}\n"));
  value_of(f.settle());
  CHECK(text("vectors.npy.ids.txt") == "a\nb\n");
  const auto npy = text("vectors.npy");
  CHECK(npy.substr(1, 5) == "NUMPY");
  CHECK(npy.find("'shape': (2, 2)") != std::string::npos);
  REQUIRE(npy.size() % 64 == 16);
  const auto* values = reinterpret_cast<const float*>(npy.data() + npy.size() - 16);
  CHECK(std::vector<float>(values, values + 4) == std::vector<float>{0.5f, 1, 2, 3});
}
