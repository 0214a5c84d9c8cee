#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace catwalk {

/// SHA-256 (FIPS 180-4) of a stream, through OpenSSL.
class sha256 {
 public:
  using digest = std::array<std::uint8_t, 32>;

  sha256();
  ~sha256();
  sha256(sha256&&) noexcept;
  sha256& operator=(sha256&&) noexcept;

  void update(const void* data, std::size_t size);
  void update(std::string_view text) { update(text.data(), text.size()); }
  /// Ends the stream; the object is of no further use.
  digest finish();

 private:
  struct context;
  std::unique_ptr<context> context_;
};

/// Lower-case hex.
std::string to_hex(const sha256::digest& d);
std::string sha256_hex(std::string_view text);

}  // namespace catwalk
