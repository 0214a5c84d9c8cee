#include "daemon/vector_output.hpp"

#include <cmath>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/file.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/result_printer.hpp"

using namespace catwalk;
using daemon::make_vector_output;

namespace {

std::string temporary(const char* name) {
  return (std::filesystem::temp_directory_path() / name).string();
}

embedding vector(std::vector<float> values) {
  embedding e;
  e.values = std::move(values);
  e.model = "m";
  e.fingerprint = "f";
  return e;
}

const error broken{errc::broken_image, "cannot decode image", "b.jpg", "it breaks off", ""};

}  // namespace

TEST_CASE("JSON lines keep the order, the numbers to the bit, and the errors") {
  const auto file = temporary("catwalk_vectors.jsonl");
  auto out = make_vector_output("jsonl", file);
  REQUIRE(out);
  REQUIRE((*out)->write("a.jpg", vector({0.1F, -1.0F / 3})));
  REQUIRE((*out)->write("b.jpg", broken));
  REQUIRE((*out)->finish());
  const auto text = read_file(file).value();
  const auto end = text.find('\n');
  const auto first = nlohmann::json::parse(text.substr(0, end));
  CHECK(first.at("input") == "a.jpg");
  CHECK(first.at("embedding").at(0).get<float>() == 0.1F);
  CHECK(first.at("embedding").at(1).get<float>() == -1.0F / 3);
  const auto second = nlohmann::json::parse(text.substr(end + 1));
  CHECK(second.at("error").at("code") == "broken_image");
  std::filesystem::remove(file);
}

TEST_CASE("the NumPy matrix has its shape, and NaN where an input failed") {
  const auto file = temporary("catwalk_vectors.npy");
  auto out = make_vector_output("npy", file);
  REQUIRE(out);
  REQUIRE((*out)->write("b.jpg", broken));
  REQUIRE((*out)->write("a.jpg", vector({1.5F, 2.5F})));
  REQUIRE((*out)->finish());
  const auto bytes = read_file(file).value();
  REQUIRE(bytes.size() == 128 + 4 * sizeof(float));
  CHECK(bytes.substr(1, 5) == "NUMPY");
  CHECK(bytes.find("'shape': (2, 2)") != std::string::npos);
  float values[4];
  std::memcpy(values, bytes.data() + 128, sizeof values);
  CHECK(std::isnan(values[0]));
  CHECK(values[2] == 1.5F);
  std::filesystem::remove(file);
}

TEST_CASE("npy without a file and a file that cannot be written are clear errors") {
  CHECK(make_vector_output("npy", "").error().code == errc::invalid_argument);
  CHECK(make_vector_output("jsonl", "/no/such/folder/x").error().code == errc::io);
}
