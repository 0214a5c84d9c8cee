#include "embed/text_tower.hpp"

#include <utility>

namespace catwalk::embed {
namespace {

/// Version of cleaning and tokenising: raise it when the ids that reach the tower change.
constexpr int tokenizing_version = 1;

error invalid(const std::string& on, std::string why) {
  return {errc::model_invalid, "cannot use text tower", on, std::move(why), "import the model again"};
}

}  // namespace

void add_block_shapes(std::map<std::string, std::vector<std::int64_t>>& shapes, std::int64_t number,
                      std::int64_t width, std::int64_t mlp) {
  const auto block = "blocks." + std::to_string(number) + ".";
  const auto norm = [&](const std::string& name) {
    shapes[block + name + ".weight"] = {width};
    shapes[block + name + ".bias"] = {width};
  };
  const auto linear = [&](const std::string& name, std::int64_t out, std::int64_t in) {
    shapes[block + name + ".weight"] = {out, in};
    shapes[block + name + ".bias"] = {out};
  };
  norm("norm1");
  norm("norm2");
  linear("qkv", 3 * width, width);
  linear("out", width, width);
  linear("fc1", mlp, width);
  linear("fc2", width, mlp);
}

std::map<std::string, std::vector<std::int64_t>> text_tower::shapes() const {
  std::map<std::string, std::vector<std::int64_t>> s{
      {"token_embedding", {vocabulary, width}}, {"position_embedding", {context, width}},
      {"final_norm.weight", {width}},           {"final_norm.bias", {width}},
      {"projection.weight", {dim, width}},
  };
  if (kind == text_kind::siglip) s["projection.bias"] = {dim};
  for (std::int64_t i = 0; i < layers; ++i) add_block_shapes(s, i, width, mlp);
  return s;
}

result<void> text_tower::check(const std::string& on) const {
  const auto within = [](std::int64_t v, std::int64_t most) { return v >= 1 && v <= most; };
  if (!within(vocabulary, 10'000'000) || !within(context, 4096) || context < 2 || !within(width, 65'536) ||
      !within(mlp, 262'144) || !within(dim, 65'536) || !within(layers, 1'000))
    return invalid(on, "its sizes (vocabulary " + std::to_string(vocabulary) + ", context " +
                           std::to_string(context) + ", width " + std::to_string(width) + ", feed-forward " +
                           std::to_string(mlp) + ", vector " + std::to_string(dim) + ", layers " +
                           std::to_string(layers) + ") are not those of a text transformer");
  if (!within(heads, width) || width % heads != 0)
    return invalid(
        on, std::to_string(heads) + " attention heads do not divide a width of " + std::to_string(width));
  if (!(eps > 0) || !(eps < 1)) return invalid(on, "its layer norm epsilon is not between 0 and 1");
  return {};
}

nlohmann::json to_json(const text_tower& t) {
  nlohmann::json tokenizing{{"version", tokenizing_version}, {"vocabulary_sha256", t.vocabulary_sha256}};
  if (t.cleaning == text_cleaning::words) tokenizing["cleaning"] = "words";
  return {{"architecture",
           {{"kind", t.kind == text_kind::clip ? "clip-text" : "siglip-text"},
            {"context", t.context},
            {"dim", t.dim},
            {"eps", t.eps},
            {"heads", t.heads},
            {"layers", t.layers},
            {"mlp", t.mlp},
            {"vocabulary", t.vocabulary},
            {"width", t.width}}},
          {"activation", name_of(t.act)},
          {"tokenizing", std::move(tokenizing)},
          {"normalise", t.normalise}};
}

result<text_tower> text_tower_from_json(const nlohmann::json& json, const std::string& on) {
  text_tower t;
  try {
    const auto& a = json.at("architecture");
    const auto kind = a.at("kind").get<std::string>();
    if (kind != "clip-text" && kind != "siglip-text")
      return invalid(on, "its architecture \"" + kind + "\" is unknown to this version");
    t.kind = kind == "clip-text" ? text_kind::clip : text_kind::siglip;
    t.context = a.at("context").get<std::int64_t>();
    t.dim = a.at("dim").get<std::int64_t>();
    t.eps = a.at("eps").get<double>();
    t.heads = a.at("heads").get<std::int64_t>();
    t.layers = a.at("layers").get<std::int64_t>();
    t.mlp = a.at("mlp").get<std::int64_t>();
    t.vocabulary = a.at("vocabulary").get<std::int64_t>();
    t.width = a.at("width").get<std::int64_t>();
    const auto name = json.at("activation").get<std::string>();
    const auto act = activation_named(name);
    if (!act) return invalid(on, "its activation \"" + name + "\" is unknown");
    t.act = *act;
    const auto& tokenizing = json.at("tokenizing");
    if (const auto version = tokenizing.at("version").get<int>(); version != tokenizing_version)
      return invalid(on, "its tokenizing has version " + std::to_string(version) + ", this program's is " +
                             std::to_string(tokenizing_version));
    t.vocabulary_sha256 = tokenizing.at("vocabulary_sha256").get<std::string>();
    const auto cleaning = tokenizing.value("cleaning", "plain");
    if (cleaning != "plain" && cleaning != "words")
      return invalid(on, "its cleaning of texts \"" + cleaning + "\" is unknown");
    t.cleaning = cleaning == "words" ? text_cleaning::words : text_cleaning::plain;
    t.normalise = json.at("normalise").get<bool>();
  } catch (const nlohmann::json::exception& e) {
    return invalid(on, std::string("its description is incomplete: ") + e.what());
  }
  if (auto ok = t.check(on); !ok) return ok.error();
  return t;
}

}  // namespace catwalk::embed
