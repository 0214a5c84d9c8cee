#include "storage/vector_blob.hpp"

#include <bit>
#include <boost/crc.hpp>
#include <cstring>

namespace catwalk::storage {
namespace {

std::uint32_t swapped_on_big_endian(std::uint32_t word) {
  if constexpr (std::endian::native == std::endian::big)
    return (word >> 24) | ((word >> 8) & 0xff00u) | ((word << 8) & 0xff0000u) | (word << 24);
  return word;
}

}  // namespace

std::vector<std::uint8_t> to_blob(const std::vector<float>& values) {
  std::vector<std::uint8_t> blob(values.size() * 4);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto word = swapped_on_big_endian(std::bit_cast<std::uint32_t>(values[i]));
    std::memcpy(blob.data() + 4 * i, &word, 4);
  }
  return blob;
}

std::optional<std::vector<float>> from_blob(std::string_view blob) {
  if (blob.size() % 4 != 0) return std::nullopt;
  std::vector<float> values(blob.size() / 4);
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint32_t word;
    std::memcpy(&word, blob.data() + 4 * i, 4);
    values[i] = std::bit_cast<float>(swapped_on_big_endian(word));
  }
  return values;
}

std::uint32_t crc32c(std::string_view blob) {
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> sum;
  sum.process_bytes(blob.data(), blob.size());
  return sum.checksum();
}

}  // namespace catwalk::storage
