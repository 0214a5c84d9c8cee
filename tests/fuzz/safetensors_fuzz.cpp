// Input: the bytes of a safetensors file. What is accepted lies within the file and covers it exactly.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "embed/safetensors.hpp"

using namespace catwalk::embed;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  static const int file = ::memfd_create("fuzz", 0);
  static const auto path = "/proc/self/fd/" + std::to_string(file);
  if (::ftruncate(file, 0) != 0 || ::pwrite(file, data, size, 0) != static_cast<ssize_t>(size)) std::abort();
  const auto archive = safetensors::open_file(path);
  if (!archive) {
    if (archive.error().why.empty()) std::abort();
    return 0;
  }
  std::size_t bytes = 0;
  unsigned sum = 0;
  for (const auto& [name, tensor] : archive->tensors()) {
    std::uint64_t expected = size_of(tensor.type);
    for (const auto n : tensor.shape) expected *= static_cast<std::uint64_t>(n);
    if (expected != tensor.data.size()) std::abort();
    for (const auto byte : tensor.data) sum += static_cast<unsigned>(byte);
    bytes += tensor.data.size();
  }
  if (bytes > size) std::abort();
  // Reads every byte, so that the sanitizer sees where they lie.
  if (sum > 255U * bytes) std::abort();
  return 0;
}
