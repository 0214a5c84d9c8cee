#include "embed/unigram_vocabulary.hpp"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/base64.hpp"
#include "core/json_text.hpp"
#include "embed/mapped_file.hpp"

namespace catwalk::embed {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t most_bytes = 100'000'000;
constexpr std::string_view blank = "\xe2\x96\x81";  // U+2581
/// What a character costs that no piece covers, below the least probable piece (unigram_model.cc:
/// kUnkPenalty).
constexpr float unknown_penalty = 10;

error invalid(const std::string& on, std::string why,
              std::string hint = "the file is damaged or incomplete: fetch it again") {
  return {errc::model_invalid, "cannot use vocabulary", on, std::move(why), std::move(hint)};
}

/// The Precompiled step of a `tokenizer.json`'s normaliser.
const json* character_map_in(const json& normaliser) {
  if (!normaliser.is_object()) return nullptr;
  if (normaliser.value("type", "") == "Precompiled") {
    const auto found = normaliser.find("precompiled_charsmap");
    return found != normaliser.end() && found->is_string() ? &*found : nullptr;
  }
  const auto steps = normaliser.find("normalizers");
  if (steps == normaliser.end() || !steps->is_array()) return nullptr;
  for (const auto& step : *steps)
    if (const auto* found = character_map_in(step)) return found;
  return nullptr;
}

result<unigram_vocabulary> read_tokenizer_json(const json& root, const std::string& on) {
  const auto& model = root.at("model");
  if (model.value("type", "") != "Unigram")
    return invalid(on, "its model is of type \"" + model.value("type", "") + '"',
                   "SigLIP's texts take a Unigram model");
  if (model.value("byte_fallback", false)) return invalid(on, "it falls back to bytes", "catwalk does not");
  std::vector<unigram_vocabulary::piece> pieces;
  pieces.reserve(model.at("vocab").size());
  for (const auto& entry : model.at("vocab"))
    pieces.push_back({entry.at(0).get<std::string>(), entry.at(1).get<float>(), false});
  const auto added = root.value("added_tokens", json::array());
  for (const auto& token : added) {
    const auto id = token.at("id").get<std::size_t>();
    if (token.value("special", false) && id < pieces.size()) pieces[id].mark = true;
  }
  const auto normaliser = root.value("normalizer", json());
  const auto* characters = character_map_in(normaliser);
  std::string blob;
  if (characters != nullptr) {
    auto decoded = base64_decode(characters->get<std::string>());
    if (!decoded) return invalid(on, "its map of characters is not base64");
    blob = std::move(*decoded);
  }
  auto map = character_map::make(std::move(blob), on);
  if (!map) return map.error();
  return unigram_vocabulary::make(std::move(pieces), model.at("unk_id").get<std::int32_t>(), std::move(*map),
                                  on);
}

}  // namespace

result<unigram_vocabulary> unigram_vocabulary::make(std::vector<piece> pieces, std::int32_t unknown,
                                                    character_map map, const std::string& on) {
  unigram_vocabulary made;
  if (unknown < 0 || static_cast<std::size_t>(unknown) >= pieces.size())
    return invalid(on, "it has no piece for what is unknown");
  made.pieces_ = std::move(pieces);
  made.unknown_ = unknown;
  made.map_ = std::move(map);
  made.pieces_[static_cast<std::size_t>(unknown)].mark = true;
  std::unordered_map<std::string_view, std::int32_t> seen;
  for (std::int32_t id = 0; id < made.size(); ++id) {
    auto& one = made.pieces_[static_cast<std::size_t>(id)];
    if (one.text.empty()) return invalid(on, "piece " + std::to_string(id) + " is empty");
    if (!seen.emplace(one.text, id).second)
      return invalid(on, "the piece \"" + one.text + "\" is there twice");
    if (one.mark) one.score = 0;
    if (!(one.score <= std::numeric_limits<float>::max() && one.score >= -std::numeric_limits<float>::max()))
      return invalid(on, "the score of \"" + one.text + "\" is no number");
  }
  const auto end = seen.find("</s>");
  if (end == seen.end()) return invalid(on, "it has no end mark </s>", "catwalk reads SigLIP's vocabularies");
  made.end_ = end->second;
  made.build();
  return made;
}

void unigram_vocabulary::build() {
  float least = std::numeric_limits<float>::max();
  piece_at_.assign(1, -1);
  for (std::int32_t id = 0; id < size(); ++id) {
    const auto& one = pieces_[static_cast<std::size_t>(id)];
    if (one.mark) continue;
    least = std::min(least, one.score);
    std::uint32_t node = 0;
    for (const char c : one.text) {
      const auto key = std::uint64_t{node} << 8 | static_cast<unsigned char>(c);
      const auto [edge, is_new] = edges_.emplace(key, static_cast<std::uint32_t>(piece_at_.size()));
      if (is_new) piece_at_.push_back(-1);
      node = edge->second;
    }
    piece_at_[node] = id;
  }
  unknown_score_ = least - unknown_penalty;
}

std::string unigram_vocabulary::normalise(std::string_view text) const {
  std::string out;
  const auto skip = [&](std::size_t bytes) { text.remove_prefix(bytes); };
  while (!text.empty()) {
    const auto first = map_.at_start_of(text);
    if (first.by != " ") break;
    skip(first.consumed);
  }
  if (text.empty()) return out;
  out = blank;
  bool after_blank = true;
  while (!text.empty()) {
    const auto found = map_.at_start_of(text);
    auto by = found.by;
    while (after_blank && by.starts_with(' ')) by.remove_prefix(1);
    for (const char c : by)
      if (c == ' ')
        out += blank;
      else
        out += c;
    if (!by.empty()) after_blank = by.ends_with(' ');
    skip(found.consumed);
  }
  while (out.ends_with(blank)) out.resize(out.size() - blank.size());
  return out;
}

std::vector<std::int32_t> unigram_vocabulary::encode(std::string_view text) const {
  const auto normalised = normalise(text);
  // The best way to each position: Viterbi, in floats and in the order of SentencePiece's EncodeOptimized, so
  // that equal scores fall to the same side.
  constexpr auto none = static_cast<std::size_t>(-1);
  struct way {
    std::int32_t id = -1;
    float score = 0;
    std::size_t from = none;
  };
  std::vector<way> ways(normalised.size() + 1);
  const auto offer = [&](std::size_t from, std::size_t to, std::int32_t id, float score) {
    auto& best = ways[to];
    if (best.from == none || score > best.score) best = {id, score, from};
  };
  for (std::size_t from = 0; from < normalised.size();) {
    const auto length = std::min(utf8_length(normalised[from]), normalised.size() - from);
    const float before = ways[from].score;
    bool covered = false;
    std::uint32_t node = 0;
    for (std::size_t to = from; to < normalised.size();) {
      const auto edge = edges_.find(std::uint64_t{node} << 8 | static_cast<unsigned char>(normalised[to]));
      if (edge == edges_.end()) break;
      node = edge->second;
      ++to;
      const auto id = piece_at_[node];
      if (id < 0) continue;
      offer(from, to, id, pieces_[static_cast<std::size_t>(id)].score + before);
      covered = covered || to - from == length;
    }
    if (!covered) offer(from, from + length, unknown_, unknown_score_ + before);
    from += length;
  }
  std::vector<std::int32_t> ids;
  for (auto at = normalised.size(); at > 0; at = ways[at].from)
    if (ways[at].id != unknown_ || ids.empty() || ids.back() != unknown_) ids.push_back(ways[at].id);
  std::reverse(ids.begin(), ids.end());
  return ids;
}

std::string unigram_vocabulary::to_json() const {
  auto pieces = json::array();
  auto marks = json::array();
  for (std::int32_t id = 0; id < size(); ++id) {
    const auto& one = pieces_[static_cast<std::size_t>(id)];
    pieces.push_back(json::array({one.text, one.score}));
    if (one.mark) marks.push_back(id);
  }
  return json_text({{"kind", "unigram"},
                    {"pieces", std::move(pieces)},
                    {"marks", std::move(marks)},
                    {"unknown", unknown_},
                    {"characters", base64_encode(map_.blob())}}) +
         "\n";
}

result<unigram_vocabulary> unigram_vocabulary::from_json(std::string_view text, const std::string& on) {
  try {
    const auto root = json::parse(text);
    std::vector<piece> pieces;
    for (const auto& entry : root.at("pieces"))
      pieces.push_back({entry.at(0).get<std::string>(), entry.at(1).get<float>(), false});
    for (const auto& mark : root.at("marks")) pieces.at(mark.get<std::size_t>()).mark = true;
    auto blob = base64_decode(root.at("characters").get<std::string>());
    if (!blob) return invalid(on, "its map of characters is not base64");
    auto map = character_map::make(std::move(*blob), on);
    if (!map) return map.error();
    return make(std::move(pieces), root.at("unknown").get<std::int32_t>(), std::move(*map), on);
  } catch (const std::exception& e) {
    return invalid(on, e.what());
  }
}

result<unigram_vocabulary> unigram_vocabulary::open(const fs::path& source) {
  std::error_code ignored;
  if (fs::is_directory(source, ignored)) {
    auto found = find(source);
    if (!found) return found.error();
    if (*found) return std::move(**found);
    return error{errc::model_missing, "cannot find vocabulary", source.string(),
                 "the folder holds neither spiece.model nor tokenizer.json", ""};
  }
  auto mapped = mapped_file::open(source);
  if (!mapped) return mapped.error();
  const auto bytes = (*mapped)->bytes();
  const auto on = source.string();
  if (bytes.size() > most_bytes)
    return invalid(on, "it is larger than 100 MB", "check that it is a vocabulary");
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!text.starts_with('{')) return read_sentencepiece_model(text, on);
  try {
    return read_tokenizer_json(json::parse(text), on);
  } catch (const json::exception& e) {
    return invalid(on, e.what());
  }
}

result<std::optional<unigram_vocabulary>> unigram_vocabulary::find(const fs::path& folder) {
  for (const char* name : {"spiece.model", "tokenizer.json"}) {
    if (!fs::exists(folder / name)) continue;
    auto opened = open(folder / name);
    if (!opened) return opened.error();
    return std::optional(std::move(*opened));
  }
  return std::optional<unigram_vocabulary>();
}

}  // namespace catwalk::embed
