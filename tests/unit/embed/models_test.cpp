#include "embed/models.hpp"

#include <cmath>
#include <fstream>

#include "tests/support/catch.hpp"
#include "tests/support/result_printer.hpp"
#include "tests/unit/embed/tiny_model.hpp"

namespace {

namespace fs = std::filesystem;
using namespace catwalk;
using embed::samples::raw_tensors;
using embed::samples::scratch_folder;
using embed::samples::tiny_options;
using embed::samples::write_tiny_model;

result<embed::stored_model> import_tiny(const scratch_folder& dir, const std::string& name,
                                        const tiny_options& options = {}, bool force = false) {
  const auto source = dir.path / "source";
  fs::remove_all(source);
  write_tiny_model(source, options);
  return embed::import_model(dir.path / "models", {source, name, force});
}

}  // namespace

TEST_CASE("models: what is imported is found, listed, verified and removed") {
  const scratch_folder dir;
  const auto models = dir.path / "models";
  CHECK(embed::list_models(models).value().empty());
  const auto made = import_tiny(dir, "tiny");
  REQUIRE(made);
  CHECK(made->info.dim == 32);
  CHECK(made->info.image_size == 64);
  CHECK(made->info.fingerprint.size() == 64);
  CHECK_FALSE(made->info.untrained);
  const auto found = embed::find_model(models, "tiny");
  REQUIRE(found);
  CHECK(found->info.fingerprint == made->info.fingerprint);
  CHECK(found->source == fs::canonical(dir.path / "source").string());
  CHECK(embed::verify_model(*found));
  REQUIRE(embed::list_models(models).value().size() == 1);
  REQUIRE(embed::remove_model(models, "tiny"));
  const auto gone = embed::find_model(models, "tiny");
  REQUIRE_FALSE(gone);
  CHECK(gone.error().code == errc::model_missing);
  CHECK_THAT(gone.error().to_string(),
             Catch::Contains(models.string()) && Catch::Contains("catwalk model pull"));
}

TEST_CASE("models: the fingerprint is that of the model, not of the file") {
  const scratch_folder dir;
  const auto print = [&](const tiny_options& options) {
    return import_tiny(dir, "m", options, true).value().info.fingerprint;
  };
  const auto plain = print({});
  tiny_options other;
  other.bf16 = true;
  CHECK(print(other) == plain);

  other = {};
  other.seed = 2;
  CHECK(print(other) != plain);
  other = {};
  other.vision = {{"hidden_act", "gelu"}};
  CHECK(print(other) != plain);
  other = {};
  other.vision = {{"num_attention_heads", 4}};
  CHECK(print(other) != plain);
  other = {};
  other.vision = {{"layer_norm_eps", 1e-6}};
  CHECK(print(other) != plain);
  other = {};
  other.spoil = [](raw_tensors& t) { t.at("visual_projection.weight").second[7] += 0.25F; };
  CHECK(print(other) != plain);
}

TEST_CASE("models: preprocessing is part of the fingerprint, and what differs from CLIP's is refused") {
  const scratch_folder dir;
  const auto source = dir.path / "source";
  write_tiny_model(source);
  const auto import_with = [&](const std::string& preprocessor) {
    std::ofstream(source / "preprocessor_config.json") << preprocessor;
    return embed::import_model(dir.path / "models", {source, "m", true});
  };
  const auto plain = import_with("{}").value().info.fingerprint;
  CHECK(import_with(R"({"image_mean":[0.48145466,0.4578275,0.40821073],"resample":3,"crop_size":64})")
            .value()
            .info.fingerprint == plain);
  CHECK(import_with(R"({"image_mean":[0.5,0.5,0.5]})").value().info.fingerprint != plain);
  CHECK(import_with(R"({"resample":2})").value().info.fingerprint != plain);
  CHECK(import_with(R"({"do_center_crop":false,"size":{"height":64,"width":64}})").value().info.fingerprint !=
        plain);
  CHECK_THAT(import_with(R"({"resample":1})").error().to_string(), Catch::Contains("filter 1"));
  CHECK_THAT(import_with(R"({"size":{"shortest_edge":96}})").error().to_string(),
             Catch::Contains("resizes to"));
  CHECK_THAT(import_with(R"({"crop_size":{"height":224,"width":224}})").error().to_string(),
             Catch::Contains("crops to 224 x 224"));
  CHECK_THAT(import_with(R"({"image_std":[0.5,0,0.5]})").error().to_string(),
             Catch::Contains("standard deviation"));
  CHECK_THAT(import_with(R"({"image_std":"x"})").error().to_string(),
             Catch::Contains("preprocessor_config.json"));
}

TEST_CASE("models: damage after the import is found") {
  const scratch_folder dir;
  const auto made = import_tiny(dir, "tiny").value();
  const auto file = made.dir / "weights.safetensors";
  std::fstream weights(file, std::ios::in | std::ios::out | std::ios::binary);
  weights.seekp(-3, std::ios::end);
  weights.put('\x3d');
  weights.close();
  const auto verified = embed::verify_model(made);
  REQUIRE_FALSE(verified);
  CHECK(verified.error().code == errc::model_invalid);

  std::ofstream(made.dir / "model.json") << "{";
  const auto list = embed::list_models(dir.path / "models").value();
  REQUIRE(list.size() == 1);
  CHECK(list[0].info.name == "tiny");
  CHECK_THAT(list[0].problem, Catch::Contains("model.json"));
  CHECK_FALSE(embed::find_model(dir.path / "models", "tiny"));
}

TEST_CASE("models: what a killed import left behind goes with the next one") {
  const scratch_folder dir;
  const auto models = dir.path / "models";
  const auto dead = models / ".tiny.new-2147483647";
  const auto alive = models / ".tiny.new-1";
  fs::create_directories(dead);
  fs::create_directories(alive);
  REQUIRE(import_tiny(dir, "tiny"));
  CHECK_FALSE(fs::exists(dead));
  CHECK(fs::exists(alive));
  CHECK(std::distance(fs::directory_iterator(models), fs::directory_iterator()) == 2);
}

TEST_CASE("models: a name is not taken over by another model unless forced") {
  const scratch_folder dir;
  const auto first = import_tiny(dir, "tiny").value();
  CHECK(import_tiny(dir, "tiny"));
  tiny_options other;
  other.seed = 2;
  const auto refused = import_tiny(dir, "tiny", other);
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().to_string(), Catch::Contains("taken by another model"));
  CHECK(embed::find_model(dir.path / "models", "tiny").value().info.fingerprint == first.info.fingerprint);
  const auto forced = import_tiny(dir, "tiny", other, true);
  REQUIRE(forced);
  CHECK(forced->info.fingerprint != first.info.fingerprint);
  CHECK(embed::verify_model(*forced));
  for (const auto* name : {"../up", "a/b", "", ".hidden", "UPPER", "untrained"}) {
    CAPTURE(name);
    const auto named = import_tiny(dir, name);
    REQUIRE_FALSE(named);
    CHECK(named.error().code == errc::invalid_argument);
  }
}

TEST_CASE("models: weights that no model can have are refused, naming the tensor") {
  const scratch_folder dir;
  const auto refused = [&](std::function<void(raw_tensors&)> spoil, const nlohmann::json& vision = {}) {
    tiny_options options;
    options.spoil = std::move(spoil);
    if (vision.is_object()) options.vision = vision;
    const auto made = import_tiny(dir, "bad", options);
    REQUIRE_FALSE(made);
    CHECK(made.error().code == errc::model_invalid);
    CHECK_FALSE(embed::find_model(dir.path / "models", "bad"));
    return made.error().to_string();
  };
  const std::string fc1 = "vision_model.encoder.layers.1.mlp.fc1.weight";
  const auto nothing = [](raw_tensors&) {};
  CHECK_THAT(refused([&](raw_tensors& t) { t.at(fc1).second[5] = NAN; }),
             Catch::Contains("blocks.1.fc1.weight"));
  CHECK_THAT(refused([&](raw_tensors& t) { t.at(fc1).second[5] = INFINITY; }), Catch::Contains("infinite"));
  CHECK_THAT(refused([&](raw_tensors& t) { t.erase(fc1); }), Catch::Contains("lacks the tensor " + fc1));
  CHECK_THAT(refused([&](raw_tensors& t) {
               t.at(fc1).first = {64, 96};
             }),
             Catch::Contains("has shape [64,96]"));
  CHECK_THAT(refused([](raw_tensors& t) { t.erase("visual_projection.weight"); }),
             Catch::Contains("projection"));
  CHECK_THAT(refused(nothing, {{"num_attention_heads", 5}}), Catch::Contains("5 attention heads"));
  CHECK_THAT(refused(nothing, {{"image_size", 63}}), Catch::Contains("does not divide into patches"));
  CHECK_THAT(refused(nothing, {{"image_size", 80}}), Catch::Contains("tokens"));
  CHECK_THAT(refused(nothing, {{"hidden_act", "relu"}}), Catch::Contains("relu"));
  CHECK_THAT(refused(nothing, {{"num_hidden_layers", 12}}), Catch::Contains("num_hidden_layers is 12"));
}

TEST_CASE("models: what is no model is refused, saying what it is") {
  const scratch_folder dir;
  const auto import_file = [&](const std::string& name, const std::string& bytes) {
    std::ofstream(dir.path / name, std::ios::binary) << bytes;
    const auto made = embed::import_model(dir.path / "models", {dir.path / name, std::nullopt, false});
    REQUIRE_FALSE(made);
    return made.error().to_string();
  };
  CHECK_THAT(import_file("empty.pt", ""), Catch::Contains("the file is empty"));
  CHECK_THAT(import_file("page.html", "<html>"), Catch::Contains("no known format"));
  CHECK_THAT(import_file("old.pt", "\x80\x02}q"), Catch::Contains("pickle"));
  CHECK_THAT(import_file("part.pt", std::string("PK\x03\x04", 4) + "half"), Catch::Contains("incomplete"));
  CHECK_THAT(import_file("model.safetensors", "{}"), Catch::Contains("config.json"));
  const auto missing = embed::import_model(dir.path / "models", {dir.path / "none", std::nullopt, false});
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == errc::model_missing);

  fs::create_directories(dir.path / "bin");
  std::ofstream(dir.path / "bin" / "config.json") << R"({"model_type":"clip"})";
  std::ofstream(dir.path / "bin" / "pytorch_model.bin") << "x";
  const auto pickle = embed::import_model(dir.path / "models", {dir.path / "bin", std::nullopt, false});
  REQUIRE_FALSE(pickle);
  CHECK_THAT(pickle.error().to_string(), Catch::Contains("pytorch_model.bin"));
}
