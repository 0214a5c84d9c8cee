#include "embed/clip_vocabulary.hpp"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/json_text.hpp"
#include "embed/mapped_file.hpp"

namespace catwalk::embed {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using token_map = std::unordered_map<std::string, std::int32_t>;

constexpr std::size_t max_file = 64'000'000;
constexpr std::size_t max_tokens = 1'000'000;
constexpr std::string_view word_end = "</w>";
constexpr std::string_view start_token = "<|startoftext|>";
constexpr std::string_view end_token = "<|endoftext|>";

error invalid(const std::string& on, std::string why) {
  return {errc::model_invalid, "cannot use CLIP vocabulary", on, std::move(why),
          "fetch the model's vocabulary again: vocab.json and merges.txt, tokenizer.json, or "
          "bpe_simple_vocab_16e6.txt.gz"};
}

std::string utf8(unsigned code) {
  if (code < 0x80) return {static_cast<char>(code)};
  return {static_cast<char>(0xc0 | code >> 6), static_cast<char>(0x80 | (code & 0x3f))};
}

/// How GPT-2 spells bytes in its vocabulary, in the order in which it numbers them (`bytes_to_unicode` of
/// openai/gpt-2 and openai/CLIP): printable ones as themselves, the others as U+0100 and on.
struct byte_spelling {
  byte_spelling() {
    const auto printable = [](unsigned b) {
      return (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
    };
    for (unsigned b = 0; b < 256; ++b)
      if (printable(b)) add(b, b);
    unsigned other = 256;
    for (unsigned b = 0; b < 256; ++b)
      if (!printable(b)) add(b, other++);
  }
  void add(unsigned b, unsigned code) {
    text[b] = utf8(code);
    order.push_back(static_cast<unsigned char>(b));
  }
  std::array<std::string, 256> text;
  std::vector<unsigned char> order;
};

const byte_spelling& spelling() {
  static const byte_spelling s;
  return s;
}

/// In a struct of its own, since a json converts to everything, `result` included.
struct document {
  json value;
};

result<document> parse(std::string_view text, const std::string& on) {
  auto parsed = json::parse(text, nullptr, false);
  if (!parsed.is_object()) return invalid(on, "it is not a JSON object");
  return document{std::move(parsed)};
}

result<std::string> read(const fs::path& file) {
  auto mapped = mapped_file::open(file);
  if (!mapped) return mapped.error();
  const auto bytes = (*mapped)->bytes();
  if (bytes.size() > max_file) return invalid(file.string(), "it is larger than 64 MB");
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

/// What gzip data unpack to. Errors: damaged data, or more than 64 MB of it.
result<std::string> unpack(std::string_view packed, const std::string& on) {
  z_stream stream{};
  constexpr int gzip_alone = 16 + MAX_WBITS;
  if (inflateInit2(&stream, gzip_alone) != Z_OK) return invalid(on, "zlib cannot start");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string text;
  int status = Z_OK;
  while (status == Z_OK && text.size() <= max_file) {
    const auto before = text.size();
    text.resize(before + 1'000'000);
    stream.next_out = reinterpret_cast<Bytef*>(text.data() + before);
    stream.avail_out = 1'000'000;
    status = inflate(&stream, Z_NO_FLUSH);
    text.resize(text.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  if (text.size() > max_file) return invalid(on, "it unpacks to more than 64 MB");
  if (status != Z_STREAM_END) return invalid(on, "its gzip data are damaged or break off");
  return text;
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.emplace_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

/// Merges without the line that names the format's version, and without empty ones.
std::vector<std::string> read_merges(std::string_view text) {
  auto lines = lines_of(text);
  if (!lines.empty() && lines.front().find("#version") != std::string::npos) lines.erase(lines.begin());
  std::erase(lines, std::string());
  return lines;
}

result<token_map> read_tokens(const json& vocab, const std::string& on) {
  if (!vocab.is_object()) return invalid(on, "its vocabulary is not an object");
  if (vocab.size() > max_tokens) return invalid(on, "its vocabulary has more than a million tokens");
  token_map tokens;
  for (const auto& [token, number] : vocab.items()) {
    if (!number.is_number_unsigned() || number.get<std::uint64_t>() >= max_tokens)
      return invalid(on, "token " + json_text(token) + " has the number " + json_text(number));
    tokens.emplace(token, number.get<std::int32_t>());
  }
  return tokens;
}

result<clip_vocabulary> read_pair(const fs::path& vocab, const fs::path& merges) {
  auto tokens_text = read(vocab);
  if (!tokens_text) return tokens_text.error();
  auto merges_text = read(merges);
  if (!merges_text) return merges_text.error();
  const auto parsed = parse(*tokens_text, vocab.string());
  if (!parsed) return parsed.error();
  auto tokens = read_tokens(parsed->value, vocab.string());
  if (!tokens) return tokens.error();
  return clip_vocabulary::make(std::move(*tokens), read_merges(*merges_text), vocab.string());
}

/// Hugging Face's file of a whole tokenizer. Its normaliser and splitter are CLIP's or this is another
/// model's.
result<clip_vocabulary> read_tokenizer(const fs::path& file) {
  const auto on = file.string();
  auto text = read(file);
  if (!text) return text.error();
  const auto parsed = parse(*text, on);
  if (!parsed) return parsed.error();
  const auto model = parsed->value.value("model", json::object());
  if (!model.is_object() || !model.contains("vocab") || !model.contains("merges"))
    return invalid(on, "it is no byte-pair tokenizer: its model has no vocab and merges");
  if (const auto suffix = model.value("end_of_word_suffix", json()); suffix != word_end)
    return invalid(on, "its words end with " + json_text(suffix) + " where CLIP's end with \"</w>\"");
  auto tokens = read_tokens(model["vocab"], on);
  if (!tokens) return tokens.error();
  if (const auto added = parsed->value.find("added_tokens");
      added != parsed->value.end() && added->is_array()) {
    for (const auto& one : *added) {
      if (!one.is_object() || !one.contains("content") || !one["content"].is_string() ||
          !one.contains("id") || !one["id"].is_number_unsigned() ||
          one["id"].get<std::uint64_t>() >= max_tokens)
        return invalid(on, "its added tokens are not what they should be");
      tokens->insert_or_assign(one["content"].get<std::string>(), one["id"].get<std::int32_t>());
    }
  }
  std::vector<std::string> merges;
  if (!model["merges"].is_array()) return invalid(on, "its merges are not a list");
  for (const auto& one : model["merges"]) {
    if (one.is_string())
      merges.push_back(one.get<std::string>());
    else if (one.is_array() && one.size() == 2 && one[0].is_string() && one[1].is_string())
      merges.push_back(one[0].get<std::string>() + ' ' + one[1].get<std::string>());
    else
      return invalid(on, "a merge is " + json_text(one) + " where two symbols are expected");
  }
  return clip_vocabulary::make(std::move(*tokens), std::move(merges), on);
}

/// OpenAI's list of merges, of which CLIP uses the first 48,894: bytes, bytes at a word's end, merges and two
/// marks make 49,408 tokens (clip/simple_tokenizer.py).
result<clip_vocabulary> read_openai(const fs::path& file) {
  auto text = read(file);
  if (!text) return text.error();
  if (text->starts_with("\x1f\x8b")) {
    text = unpack(*text, file.string());
    if (!text) return text.error();
  }
  if (const auto end = text->find('\n'); text->substr(0, end).find("#version") == std::string::npos)
    return invalid(file.string(), "its first line does not name a version");
  auto merges = read_merges(*text);
  constexpr std::size_t used = 49'152 - 256 - 2;
  if (merges.size() > used) merges.resize(used);
  token_map tokens;
  const auto add = [&](std::string token) {
    tokens.emplace(std::move(token), static_cast<std::int32_t>(tokens.size()));
  };
  for (const auto b : spelling().order) add(spelling().text[b]);
  for (const auto b : spelling().order) add(spelling().text[b] + std::string(word_end));
  for (const auto& merge : merges) {
    auto joined = merge;
    std::erase(joined, ' ');
    add(std::move(joined));
  }
  add(std::string(start_token));
  add(std::string(end_token));
  return clip_vocabulary::make(std::move(tokens), std::move(merges), file.string());
}

}  // namespace

result<clip_vocabulary> clip_vocabulary::make(token_map tokens, std::vector<std::string> merges,
                                              const std::string& on) {
  clip_vocabulary v;
  if (tokens.size() > max_tokens || merges.size() > max_tokens)
    return invalid(on, "it has more than a million tokens");
  v.tokens_.resize(tokens.size());
  std::vector<bool> taken(tokens.size());
  for (const auto& [token, number] : tokens) {
    if (number < 0 || static_cast<std::size_t>(number) >= tokens.size() ||
        taken[static_cast<std::size_t>(number)])
      return invalid(on, "its " + std::to_string(tokens.size()) + " tokens are not numbered from 0 on: " +
                             json_text(token) + " is " + std::to_string(number));
    taken[static_cast<std::size_t>(number)] = true;
    v.tokens_[static_cast<std::size_t>(number)] = token;
  }
  const auto number_of = [&](const std::string& token) -> result<std::int32_t> {
    const auto found = tokens.find(token);
    if (found == tokens.end()) return invalid(on, "it has no token " + json_text(token));
    return found->second;
  };
  for (std::size_t b = 0; b < 256; ++b) {
    const auto inner = number_of(spelling().text[b]);
    if (!inner) return inner.error();
    const auto last = number_of(spelling().text[b] + std::string(word_end));
    if (!last) return last.error();
    v.bytes_[b] = *inner;
    v.last_bytes_[b] = *last;
  }
  const auto start = number_of(std::string(start_token));
  if (!start) return start.error();
  const auto end = number_of(std::string(end_token));
  if (!end) return end.error();
  v.start_ = *start;
  v.end_ = *end;
  v.merges_.reserve(merges.size());
  for (std::size_t i = 0; i < merges.size(); ++i) {
    const auto blank = merges[i].find(' ');
    if (blank == std::string::npos || blank == 0 || blank + 1 == merges[i].size() ||
        merges[i].find(' ', blank + 1) != std::string::npos)
      return invalid(on, "merge " + std::to_string(i + 1) + " is " + json_text(merges[i]) +
                             " where two symbols are expected");
    const auto left = number_of(merges[i].substr(0, blank));
    if (!left) return left.error();
    const auto right = number_of(merges[i].substr(blank + 1));
    if (!right) return right.error();
    const auto into = number_of(merges[i].substr(0, blank) + merges[i].substr(blank + 1));
    if (!into) return into.error();
    // A merge that stands there twice counts where it stands last, as in both references.
    v.merges_.insert_or_assign(key(*left, *right), merge{static_cast<std::int32_t>(i), *into});
  }
  v.merge_texts_ = std::move(merges);
  return v;
}

result<std::optional<clip_vocabulary>> clip_vocabulary::find(const fs::path& folder) {
  const auto as_optional = [](result<clip_vocabulary> read) -> result<std::optional<clip_vocabulary>> {
    if (!read) return read.error();
    return std::optional(std::move(*read));
  };
  if (fs::exists(folder / "vocab.json") && fs::exists(folder / "merges.txt"))
    return as_optional(read_pair(folder / "vocab.json", folder / "merges.txt"));
  if (fs::exists(folder / "tokenizer.json")) return as_optional(read_tokenizer(folder / "tokenizer.json"));
  for (const auto* name : {"bpe_simple_vocab_16e6.txt.gz", "bpe_simple_vocab_16e6.txt"})
    if (fs::exists(folder / name)) return as_optional(read_openai(folder / name));
  return std::optional<clip_vocabulary>();
}

result<clip_vocabulary> clip_vocabulary::open(const fs::path& source) {
  if (fs::is_directory(source)) {
    auto found = find(source);
    if (!found) return found.error();
    if (!*found) return invalid(source.string(), "the folder holds no vocabulary");
    return std::move(**found);
  }
  const auto name = source.filename().string();
  if (name == "vocab.json") return read_pair(source, source.parent_path() / "merges.txt");
  if (name == "merges.txt") return read_pair(source.parent_path() / "vocab.json", source);
  if (source.extension() == ".json") return read_tokenizer(source);
  return read_openai(source);
}

std::string clip_vocabulary::to_json() const {
  return json_text({{"format", 1}, {"kind", "clip-bpe"}, {"merges", merge_texts_}, {"tokens", tokens_}});
}

result<clip_vocabulary> clip_vocabulary::from_json(std::string_view text, const std::string& on) {
  const auto parsed = parse(text, on);
  if (!parsed) return parsed.error();
  try {
    if (parsed->value.at("kind") != "clip-bpe" || parsed->value.at("format") != 1)
      return invalid(on, "it is not a CLIP vocabulary that this version reads");
    token_map tokens;
    const auto list = parsed->value.at("tokens").get<std::vector<std::string>>();
    for (const auto& token : list)
      if (!tokens.emplace(token, static_cast<std::int32_t>(tokens.size())).second)
        return invalid(on, "token " + json_text(token) + " stands there twice");
    return make(std::move(tokens), parsed->value.at("merges").get<std::vector<std::string>>(), on);
  } catch (const json::exception& e) {
    return invalid(on, e.what());
  }
}

}  // namespace catwalk::embed
