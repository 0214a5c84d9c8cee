#include "config/stanza_hash.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <vector>

namespace catwalk::config {
namespace {

void append_text(std::string& out, char kind, const std::string& text) {
  out += kind;
  out += std::to_string(text.size()) + ":" + text;
}

void append(std::string& out, const yaml_node& node) {
  switch (node.type) {
    case yaml_node::kind::null:
      out += 'n';
      break;
    case yaml_node::kind::scalar:
      append_text(out, 's', node.text);
      break;
    case yaml_node::kind::sequence:
      out += '[';
      for (const auto& item : node.items) append(out, *item);
      out += ']';
      break;
    case yaml_node::kind::mapping: {
      std::vector<const yaml_entry*> sorted;
      for (const auto& entry : node.entries) sorted.push_back(&entry);
      std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) { return a->key < b->key; });
      out += '{';
      for (const auto* entry : sorted) {
        append_text(out, 'k', entry->key);
        append(out, *entry->value);
      }
      out += '}';
      break;
    }
  }
}

}  // namespace

std::string stanza_hash(const yaml_node& node) {
  std::string canonical;
  append(canonical, node);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (EVP_Digest(canonical.data(), canonical.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) {
    throw std::runtime_error("OpenSSL has no SHA-256");
  }
  std::string hex;
  for (unsigned i = 0; i < size; ++i) {
    constexpr char digits[] = "0123456789abcdef";
    hex += digits[digest[i] >> 4];
    hex += digits[digest[i] & 15];
  }
  return hex;
}

}  // namespace catwalk::config
