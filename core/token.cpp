#include "core/token.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <array>
#include <string>

#include "core/sha256.hpp"

namespace catwalk {

namespace {

/// RFC 4648, 5, without padding.
std::string base64url(const std::array<unsigned char, 32>& bytes) {
  constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text;
  unsigned held = 0;
  int bits = 0;
  for (const auto byte : bytes) {
    held = held << 8U | byte;
    for (bits += 8; bits >= 6; bits -= 6) text += alphabet[held >> (bits - 6) & 63U];
  }
  if (bits > 0) text += alphabet[held << (6 - bits) & 63U];
  return text;
}

}  // namespace

result<config::secret> make_token() {
  std::array<unsigned char, 32> random{};
  if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1)
    return error{errc::internal, "cannot make a token", "", "the system gives no random numbers", ""};
  return config::secret(base64url(random));
}

bool same_secret(std::string_view given, std::string_view secret) {
  // Digests have one length, whatever the texts have.
  const auto digest = [](std::string_view text) {
    sha256 hash;
    hash.update(text);
    return hash.finish();
  };
  const auto a = digest(given), b = digest(secret);
  return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace catwalk
