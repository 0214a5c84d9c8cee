#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace catwalk::storage {

/// A vector as `images.vector` stores it: little-endian IEEE 754 binary32, one number after the other.
std::vector<std::uint8_t> to_blob(const std::vector<float>& values);
/// nullopt when the size is no multiple of four.
std::optional<std::vector<float>> from_blob(std::string_view blob);
/// CRC-32C (Castagnoli: polynomial 0x1EDC6F41, reflected, RFC 3720 B.4) over the blob.
std::uint32_t crc32c(std::string_view blob);

}  // namespace catwalk::storage
