#include "embed/clip_tokenizer.hpp"

#include <zlib.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "embed/clip_words.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/embed/clip_samples.hpp"
#include "tests/unit/embed/tiny_model.hpp"

namespace catwalk::embed {
namespace {

namespace fs = std::filesystem;
using words = std::vector<std::string>;

words words_of(std::string_view text) {
  words all;
  clip_words cut(text);
  for (std::string word; cut.next(word);) all.push_back(word);
  return all;
}

/// The ids between the marks, as text.
std::string tokens_in(std::string_view text, std::size_t context = 77) {
  const auto numbers = samples::tokens_of(samples::few_merges());
  std::string out;
  const auto ids = clip_tokenizer(samples::small_vocabulary(), context).encode(text);
  for (std::size_t i = 1; i + 1 < ids.size(); ++i)
    for (const auto& [token, number] : numbers)
      if (number == ids[i]) out += (out.empty() ? "" : "|") + token;
  return out;
}

TEST_CASE("clip tokenizer: a text falls into words as the pattern says") {
  CHECK(words_of("") == words{});
  CHECK(words_of(" \t\n\u00a0\u3000") == words{});
  CHECK(words_of("Red DRESS") == words{"red", "dress"});
  CHECK(words_of("it's we'll DON'T o'clock") ==
        words{"it", "'s", "we", "'ll", "don", "'t", "o", "'", "clock"});
  CHECK(words_of("x23,5!?") == words{"x", "2", "3", ",", "5", "!?"});
  CHECK(words_of("a\u200bb") == words{"a", "\u200b", "b"});
  // Composed first, then to lower case character by character: no final sigma, a dotted I becomes two.
  CHECK(words_of("e\u0301 \u03a3\u0391\u03a3 \u0130") ==
        words{"\u00e9", "\u03c3\u03b1\u03c3", "i", "\u0307"});
  CHECK(words_of("&amp;") == words{"&", "amp", ";"});
  CHECK(words_of("\xff"
                 "a") == words{"\ufffd", "a"});
  CHECK(words_of("!<|ENDOFTEXT|>!") == words{"!<|", "endoftext", "|>!"});
  CHECK(words_of("a<|ENDOFTEXT|>!") == words{"a", "<|", "endoftext", "|>", "!"});
}

TEST_CASE("clip tokenizer: the best merge goes first, from the left") {
  CHECK(tokens_in("red dress") == "red</w>|dress</w>");
  CHECK(tokens_in("dredd") == "dre|d|d</w>");
  CHECK(tokens_in("aaaaab") == "aaaa|a|b</w>");
  CHECK(tokens_in("aaa") == "aa|a</w>");
  CHECK(tokens_in("\u00e9") == "\u00c3|\u00a9</w>");
}

TEST_CASE("clip tokenizer: marks stand around the text, and in it for themselves") {
  const auto vocabulary = samples::small_vocabulary();
  const clip_tokenizer tokenizer(vocabulary, 77);
  using ids = std::vector<std::int32_t>;
  CHECK(tokenizer.encode("") == ids{vocabulary.start(), vocabulary.end()});
  const auto marked = tokenizer.encode("red<|endoftext|>");
  REQUIRE(marked.size() == 4);
  CHECK(marked[2] == vocabulary.end());
}

TEST_CASE("clip tokenizer: a long text is cut, and its end mark kept") {
  const auto vocabulary = samples::small_vocabulary();
  std::string long_word(3'000'000, 'a');
  for (const auto& text :
       {std::string(500, 'z'), std::string("red red red red red red red red"), long_word}) {
    const auto cut = clip_tokenizer(vocabulary, 6).encode(text);
    REQUIRE(cut.size() == 6);
    CHECK(cut.front() == vocabulary.start());
    CHECK(cut.back() == vocabulary.end());
    CHECK(cut[4] != vocabulary.end());
  }
  CHECK(tokens_in("red red", 4) == "red</w>|red</w>");
  CHECK(tokens_in("red red", 3) == "red</w>");
}

TEST_CASE("clip vocabulary: every published form gives the same one") {
  const samples::scratch_folder dir;
  const auto& merges = samples::few_merges();
  const auto tokens = samples::tokens_of(merges);
  const auto write = [&](const std::string& name, const std::string& text) {
    fs::create_directories((dir.path / name).parent_path());
    std::ofstream(dir.path / name, std::ios::binary) << text;
  };
  std::string lines = "#version: 0.2\n";
  for (const auto& merge : merges) lines += merge + "\n";
  write("pair/vocab.json", nlohmann::json(tokens).dump());
  write("pair/merges.txt", lines);
  auto whole =
      nlohmann::json{{"model", {{"end_of_word_suffix", "</w>"}, {"vocab", tokens}, {"merges", merges}}}};
  write("whole/tokenizer.json", whole.dump());
  auto lists = nlohmann::json::array();
  for (const auto& merge : merges)
    lists.push_back({merge.substr(0, merge.find(' ')), merge.substr(merge.find(' ') + 1)});
  whole["model"]["merges"] = lists;
  write("lists/tokenizer.json", whole.dump());
  write("openai/bpe_simple_vocab_16e6.txt", "\"bpe_simple_vocab_16e6.txt" + lines);
  fs::create_directories(dir.path / "packed");
  auto* packed = gzopen((dir.path / "packed" / "bpe_simple_vocab_16e6.txt.gz").c_str(), "wb");
  gzwrite(packed, lines.data(), static_cast<unsigned>(lines.size()));
  gzclose(packed);
  const auto expected = samples::small_vocabulary().to_json();
  for (const auto* form : {"pair", "whole", "lists", "openai", "packed"}) {
    CAPTURE(form);
    const auto found = clip_vocabulary::find(dir.path / form);
    REQUIRE(found.has_value());
    REQUIRE(found->has_value());
    CHECK((*found)->to_json() == expected);
  }
  const auto read = clip_vocabulary::from_json(expected, "stored");
  REQUIRE(read.has_value());
  CHECK(read->to_json() == expected);
  CHECK_FALSE(clip_vocabulary::find(dir.path).value().has_value());
}

TEST_CASE("clip vocabulary: what is none is refused, saying why") {
  const samples::scratch_folder dir;
  const auto refused = [&](const std::string& name, const std::string& text) {
    std::ofstream(dir.path / name, std::ios::binary) << text;
    const auto opened = clip_vocabulary::open(dir.path / name);
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().code == errc::model_invalid);
    return opened.error().to_string();
  };
  CHECK_THAT(refused("a.gz", "\x1f\x8b\x08 broken"), Catch::Contains("gzip"));
  CHECK_THAT(refused("a.txt", "hello"), Catch::Contains("version"));
  CHECK_THAT(refused("tokenizer.json", "{}"), Catch::Contains("vocab"));
  CHECK_THAT(refused("tokenizer.json", "[1"), Catch::Contains("JSON"));
  CHECK_THAT(refused("tokenizer.json", std::string(1'000'000, '[')), Catch::Contains("JSON"));
  CHECK_THAT(refused("tokenizer.json", R"({"model":{"vocab":{},"merges":[],"end_of_word_suffix":""}})"),
             Catch::Contains("</w>"));
  const auto make = [](auto spoil) {
    auto merges = samples::few_merges();
    auto tokens = samples::tokens_of(merges);
    spoil(tokens, merges);
    const auto made = clip_vocabulary::make(tokens, merges, "spoilt");
    REQUIRE_FALSE(made.has_value());
    return made.error().to_string();
  };
  CHECK_THAT(make([](auto& tokens, auto&) { tokens["more"] = 5; }), Catch::Contains("not numbered from 0"));
  CHECK_THAT(make([](auto& tokens, auto&) { tokens.at("z") = -3; }), Catch::Contains("is -3"));
  CHECK_THAT(make([](auto& tokens, auto&) {
               tokens["other"] = tokens.at("z</w>");
               tokens.erase("z</w>");
             }),
             Catch::Contains("z</w>"));
  CHECK_THAT(make([](auto&, auto& merges) { merges.push_back("un known"); }), Catch::Contains("un"));
  CHECK_THAT(make([](auto&, auto& merges) { merges.push_back("a b c"); }), Catch::Contains("two symbols"));
  // A bomb: 100 MB of blanks in some 100 kB.
  auto* packed = gzopen((dir.path / "bomb.gz").c_str(), "wb9");
  const std::string blanks(1'000'000, ' ');
  for (int i = 0; i < 100; ++i) gzwrite(packed, blanks.data(), static_cast<unsigned>(blanks.size()));
  gzclose(packed);
  const auto bomb = clip_vocabulary::open(dir.path / "bomb.gz");
  REQUIRE_FALSE(bomb.has_value());
  CHECK_THAT(bomb.error().to_string(), Catch::Contains("64 MB"));
}

}  // namespace
}  // namespace catwalk::embed
