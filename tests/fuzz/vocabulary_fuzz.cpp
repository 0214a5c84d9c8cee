// Input: a byte that says which form, then the bytes of a vocabulary; what is accepted tokenizes them too.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "embed/clip_tokenizer.hpp"

using namespace catwalk::embed;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  static const auto folder = [] {
    std::string name = "/tmp/vocabulary-fuzz-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    return std::filesystem::path(name);
  }();
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto check = [&](const catwalk::result<clip_vocabulary>& vocabulary) {
    if (!vocabulary) {
      if (vocabulary.error().why.empty()) std::abort();
      return;
    }
    const auto ids = clip_tokenizer(*vocabulary, 77).encode(text);
    if (ids.size() < 2 || ids.size() > 77 || ids.back() != vocabulary->end()) std::abort();
    for (const auto id : ids)
      if (id < 0 || id >= vocabulary->size()) std::abort();
  };
  if (data[0] % 2 == 0) return check(clip_vocabulary::from_json(text, "fuzz")), 0;
  const auto file = folder / (data[0] % 4 == 1 ? "tokenizer.json" : "bpe_simple_vocab_16e6.txt.gz");
  std::FILE* out = std::fopen(file.c_str(), "wb");
  if (out == nullptr) std::abort();
  std::fwrite(text.data(), 1, text.size(), out);
  std::fclose(out);
  check(clip_vocabulary::open(file));
  return 0;
}
