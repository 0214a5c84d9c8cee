#include "core/sha256.hpp"

#include <openssl/evp.h>

#include <stdexcept>

namespace catwalk {

struct sha256::context {
  EVP_MD_CTX* md = EVP_MD_CTX_new();
  ~context() { EVP_MD_CTX_free(md); }
};

sha256::sha256() : context_(std::make_unique<context>()) {
  // Fetched once: looking the algorithm up takes longer than hashing a kilobyte.
  static EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  if (context_->md == nullptr || algorithm == nullptr ||
      EVP_DigestInit_ex(context_->md, algorithm, nullptr) != 1)
    throw std::runtime_error("OpenSSL cannot start SHA-256");
}
sha256::~sha256() = default;
sha256::sha256(sha256&&) noexcept = default;
sha256& sha256::operator=(sha256&&) noexcept = default;

void sha256::update(const void* data, std::size_t size) {
  if (EVP_DigestUpdate(context_->md, data, size) != 1) throw std::runtime_error("OpenSSL failed in SHA-256");
}

sha256::digest sha256::finish() {
  digest out{};
  unsigned length = 0;
  if (EVP_DigestFinal_ex(context_->md, out.data(), &length) != 1 || length != out.size())
    throw std::runtime_error("OpenSSL failed in SHA-256");
  return out;
}

std::string to_hex(const sha256::digest& d) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  text.reserve(d.size() * 2);
  for (const auto byte : d) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

std::string sha256_hex(std::string_view text) {
  sha256 hash;
  hash.update(text);
  return to_hex(hash.finish());
}

}  // namespace catwalk
