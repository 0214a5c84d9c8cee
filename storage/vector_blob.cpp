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

namespace {

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t crc32c_sse42(std::string_view blob) {
  std::uint64_t sum = 0xFFFFFFFF;
  std::size_t i = 0;
  for (; i + 8 <= blob.size(); i += 8) {
    std::uint64_t word;
    std::memcpy(&word, blob.data() + i, 8);
    sum = __builtin_ia32_crc32di(sum, word);
  }
  auto rest = static_cast<std::uint32_t>(sum);
  for (; i < blob.size(); ++i) rest = __builtin_ia32_crc32qi(rest, static_cast<unsigned char>(blob[i]));
  return ~rest;
}
#endif

}  // namespace

std::uint32_t crc32c(std::string_view blob) {
#if defined(__x86_64__)
  // The processor's own instruction, where it has it: an index over a million vectors reads 2 GB of them.
  static const bool has_sse42 = __builtin_cpu_supports("sse4.2");
  if (has_sse42) return crc32c_sse42(blob);
#endif
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> sum;
  sum.process_bytes(blob.data(), blob.size());
  return sum.checksum();
}

}  // namespace catwalk::storage
