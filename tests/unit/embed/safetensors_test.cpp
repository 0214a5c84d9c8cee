#include "embed/safetensors.hpp"

#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "tests/support/catch.hpp"
#include "tests/support/result_printer.hpp"

namespace {

namespace fs = std::filesystem;
using namespace catwalk;
using embed::safetensors;

struct scratch {
  scratch() {
    path = fs::temp_directory_path() / ("catwalk-safetensors-" + std::to_string(::getpid()));
    fs::create_directories(path);
  }
  ~scratch() { fs::remove_all(path); }
  fs::path path;
};

std::string with_length(std::uint64_t length, const std::string& rest) {
  std::string out(8, '\0');
  std::memcpy(out.data(), &length, 8);
  return out + rest;
}
std::string file_of(const std::string& header, std::size_t data) {
  return with_length(header.size(), header + std::string(data, '\x01'));
}
fs::path write(const fs::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary) << bytes;
  return file;
}

}  // namespace

TEST_CASE("safetensors: what is written is read back") {
  const scratch dir;
  const std::vector<float> a{1, 2, 3, 4, 5, 6};
  const std::vector<std::uint8_t> b{7, 8, 9};
  std::map<std::string, embed::tensor_view, std::less<>> tensors;
  tensors["a.weight"] = {embed::tensor_type::f32, {2, 3}, std::as_bytes(std::span(a))};
  tensors["b"] = {embed::tensor_type::u8, {3}, std::as_bytes(std::span(b))};
  const auto file = dir.path / "model.safetensors";
  REQUIRE(embed::write_safetensors(file, tensors));
  const auto archive = safetensors::open_file(file);
  REQUIRE(archive);
  REQUIRE(archive->tensors().size() == 2);
  const auto& read = archive->tensors().at("a.weight");
  CHECK(read.type == embed::tensor_type::f32);
  CHECK(read.shape == std::vector<std::int64_t>{2, 3});
  REQUIRE(read.data.size() == 24);
  CHECK(std::memcmp(read.data.data(), a.data(), 24) == 0);
  CHECK(std::memcmp(archive->tensors().at("b").data.data(), b.data(), 3) == 0);
}

TEST_CASE("safetensors: malformed files are refused with file, tensor and reason") {
  const auto one = [](const std::string& entry) { return "{\"w\":" + entry + "}"; };
  const std::string good = R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})";
  struct example {
    std::string name, bytes, says;
  };
  const std::vector<example> table{
      {"empty file", "", "0 bytes and no header"},
      {"shorter than the length", std::string(5, 'x'), "5 bytes and no header"},
      {"length beyond the file", with_length(1000, "{}"), "header is cut off"},
      {"absurd length", with_length(~0ULL, "{}"), "100 MB is the most"},
      {"header cut in the middle", with_length(20, one(good).substr(0, 20)), "not valid JSON"},
      {"header not JSON", file_of("this is no JSON", 0), "not valid JSON"},
      {"header an array", file_of("[1]", 0), "not a JSON object"},
      {"header nested deeply", file_of(std::string(50'000, '[') + std::string(50'000, ']'), 0),
       "nested too deeply"},
      {"name twice", file_of("{\"w\":" + good + ",\"w\":" + good + "}", 8), "\"w\" twice"},
      {"entry not an object", file_of(one("3"), 0), "tensor \"w\": its entry is not an object"},
      {"no shape", file_of(one(R"({"dtype":"F32","data_offsets":[0,8]})"), 8), "lacks dtype, shape"},
      {"unknown dtype", file_of(one(R"({"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]})"), 8),
       "F8_E4M3"},
      {"dtype a number", file_of(one(R"({"dtype":7,"shape":[8],"data_offsets":[0,8]})"), 8),
       "dtype is not a string"},
      {"negative size", file_of(one(R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})"), 8),
       "something else than sizes"},
      {"fraction as size", file_of(one(R"({"dtype":"F32","shape":[2.5],"data_offsets":[0,8]})"), 8),
       "something else than sizes"},
      {"product overflows",
       file_of(one(R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]})"), 8),
       "larger than any file"},
      {"product overflows to the right size",
       file_of(one(R"({"dtype":"F32","shape":[4611686018427387906],"data_offsets":[0,8]})"), 8),
       "larger than any file"},
      {"offsets outside", file_of(one(R"({"dtype":"F32","shape":[4],"data_offsets":[0,16]})"), 8),
       "outside the file"},
      {"offsets far outside",
       file_of(
           one(R"({"dtype":"F32","shape":[2],"data_offsets":[18446744073709551607,18446744073709551615]})"),
           8),
       "outside the file"},
      {"offsets backwards", file_of(one(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})"), 8),
       "run backwards"},
      {"offsets of another size", file_of(one(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})"), 8),
       "takes 12"},
      {"wrong dtype for the size", file_of(one(R"({"dtype":"F16","shape":[2],"data_offsets":[0,8]})"), 8),
       "takes 4"},
      {"one offset", file_of(one(R"({"dtype":"F32","shape":[2],"data_offsets":[0]})"), 8),
       "not two positions"},
      {"hole before the first", file_of(one(R"({"dtype":"F32","shape":[1],"data_offsets":[4,8]})"), 8),
       "leaves a hole"},
      {"overlap",
       file_of(
           R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
           12),
       "tensor \"b\" overlaps"},
      {"bytes left over", file_of(one(good), 12), "4 bytes at its end"},
      {"truncated data", file_of(one(good), 7), "outside the file"},
      {"too many dimensions",
       file_of(one(R"({"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]})"), 1),
       "not a list of sizes"},
  };
  const scratch dir;
  for (const auto& e : table) {
    CAPTURE(e.name);
    const auto file = write(dir.path / "bad.safetensors", e.bytes);
    const auto archive = safetensors::open_file(file);
    REQUIRE_FALSE(archive);
    CHECK(archive.error().code == errc::model_invalid);
    CHECK(archive.error().on == file.string());
    CHECK_FALSE(archive.error().hint.empty());
    CHECK_THAT(archive.error().why, Catch::Contains(e.says));
  }
}

TEST_CASE("safetensors: a file cut anywhere is refused") {
  const std::string header = R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  const auto whole = file_of(header, 8);
  const scratch dir;
  REQUIRE(safetensors::open_file(write(dir.path / "whole.safetensors", whole)));
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    CAPTURE(cut);
    CHECK_FALSE(safetensors::open_file(write(dir.path / "cut.safetensors", whole.substr(0, cut))));
  }
}

TEST_CASE("safetensors: metadata, empty tensors and scalars are accepted") {
  const scratch dir;
  const auto file = write(
      dir.path / "ok.safetensors",
      file_of(R"({"__metadata__":{"format":"pt"},"none":{"dtype":"F32","shape":[0,4],"data_offsets":[0,0]},)"
              R"("one":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}   )",
              4));
  const auto archive = safetensors::open_file(file);
  REQUIRE(archive);
  CHECK(archive->tensors().at("none").data.empty());
  CHECK(archive->tensors().at("one").shape.empty());
}

TEST_CASE("safetensors: shards are read through their index") {
  const scratch dir;
  const auto entry = [](const std::string& name) {
    return file_of("{\"" + name + R"(":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8);
  };
  write(dir.path / "m-1.safetensors", entry("a"));
  write(dir.path / "m-2.safetensors", entry("b"));
  const auto index = [&](const std::string& map) {
    return write(dir.path / "model.safetensors.index.json", "{\"metadata\":{},\"weight_map\":" + map + "}");
  };
  const auto archive = safetensors::open_sharded(index(R"({"a":"m-1.safetensors","b":"m-2.safetensors"})"));
  REQUIRE(archive);
  CHECK(archive->tensors().size() == 2);

  const auto outside = safetensors::open_sharded(index(R"({"a":"../m-1.safetensors"})"));
  REQUIRE_FALSE(outside);
  CHECK_THAT(outside.error().why, Catch::Contains("not a file beside the index"));
  const auto absent = safetensors::open_sharded(index(R"({"a":"m-1.safetensors","c":"m-1.safetensors"})"));
  REQUIRE_FALSE(absent);
  CHECK_THAT(absent.error().why, Catch::Contains("\"c\" is not in its shard"));
  const auto missing = safetensors::open_sharded(index(R"({"a":"m-9.safetensors"})"));
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == errc::model_missing);
}
