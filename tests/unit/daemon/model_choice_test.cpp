#include "daemon/model_choice.hpp"

#include "tests/support/catch.hpp"
#include "tests/unit/embed/tiny_model.hpp"

using namespace catwalk;
using namespace catwalk::daemon;
using embed::samples::scratch_folder;

namespace {

/// A models folder with tiny models of these names.
struct models_folder {
  scratch_folder scratch;
  std::filesystem::path dir = scratch.path / "models";

  void add(const std::string& name, unsigned seed = 1) {
    const auto source = scratch.path / ("source-" + name);
    std::filesystem::create_directories(source);
    embed::samples::tiny_options options;
    options.seed = seed;
    embed::samples::write_tiny_model(source, options);
    embed::import_request request;
    request.source = source;
    request.name = name;
    REQUIRE(embed::import_model(dir, request).has_value());
  }
};

config::settings with_model(const std::string& name) {
  config::settings settings;
  settings.embed.model = name;
  return settings;
}

}  // namespace

TEST_CASE("auto takes the model that the table's width means") {
  models_folder models;
  models.add("clip-vit-b-32", 1);
  models.add("siglip-base-patch16-384", 2);
  const auto chosen = [&](table_facts facts) {
    const auto model = choose_model(with_model("auto"), models.dir, std::move(facts));
    return model ? model->info.name : model.error().to_string();
  };
  CHECK(chosen({}) == "clip-vit-b-32");
  CHECK(chosen({"catwalk", 512}) == "clip-vit-b-32");
  CHECK(chosen({"2025-10", 512}) == "clip-vit-b-32");
  CHECK(chosen({"catwalk", 768}) == "siglip-base-patch16-384");
  CHECK(chosen({"2026-02", 768}) == "siglip-base-patch16-384");
  CHECK(chosen({"2026-02", std::nullopt}) == "siglip-base-patch16-384");
  CHECK(chosen({"2026-02", 512}) == "clip-vit-b-32");
  CHECK(chosen({"catwalk", 1024}).find("model pull google/siglip-large-patch16-384") != std::string::npos);
  CHECK(chosen({"catwalk", 300}).find("300 numbers") != std::string::npos);
}

TEST_CASE("a setting names a model by its own name or a hub's") {
  models_folder models;
  models.add("clip-vit-b-32");
  models.add("own.model", 2);
  for (const char* name : {"clip-vit-b-32", "openai/clip-vit-base-patch32", "OpenAI/CLIP-ViT-Base-Patch32",
                           "sentence-transformers/clip-ViT-B-32", "clip-ViT-B-32"})
    CHECK(choose_model(with_model(name), models.dir)->info.name == "clip-vit-b-32");
  CHECK(choose_model(with_model("Some/Own.Model"), models.dir)->info.name == "own.model");
  const auto missing = choose_model(with_model("Marqo/marqo-fashionSigLIP"), models.dir);
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().code == errc::model_missing);
  CHECK(missing.error().hint.find("catwalk model pull Marqo/marqo-fashionSigLIP") != std::string::npos);
}

TEST_CASE("vectors keep their length for the layout 2026-02 alone, which is another model") {
  models_folder models;
  models.add("clip-vit-b-32");
  const auto settings = with_model("clip-vit-b-32");
  const auto unit = choose_model(settings, models.dir, {"catwalk", 512});
  const auto raw = choose_model(settings, models.dir, {"2026-02", 512});
  REQUIRE(unit.has_value());
  REQUIRE(raw.has_value());
  CHECK(unit->info.normalise);
  CHECK_FALSE(raw->info.normalise);
  CHECK(unit->info.fingerprint != raw->info.fingerprint);
  // What was stored at import is what is computed from the weights.
  auto older = *unit;
  older.raw_fingerprint.clear();
  CHECK(embed::without_normalising(older)->info.fingerprint == raw->info.fingerprint);
  auto layout_set = settings;
  layout_set.sink.layout = "2026-02";
  CHECK(choose_model(layout_set, models.dir)->info.fingerprint == raw->info.fingerprint);
}

TEST_CASE("a bare pull gets the model that the settings ask for") {
  CHECK(model_to_pull(with_model("auto")).empty());
  CHECK(model_to_pull(with_model("clip-vit-b-32")).empty());
  CHECK(model_to_pull(with_model("Marqo/marqo-fashionSigLIP")) == "Marqo/marqo-fashionSigLIP");
  auto table = with_model("auto");
  table.sink.layout = "2026-02";
  CHECK(model_to_pull(table) == "google/siglip-base-patch16-384");
}
