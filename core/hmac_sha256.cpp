#include "core/hmac_sha256.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <stdexcept>

namespace catwalk {

sha256::digest hmac_sha256(std::string_view key, std::string_view text) {
  sha256::digest out{};
  unsigned length = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes, text.size(), out.data(), &length) ==
          nullptr ||
      length != out.size())
    throw std::runtime_error("OpenSSL failed in HMAC-SHA256");
  return out;
}

}  // namespace catwalk
