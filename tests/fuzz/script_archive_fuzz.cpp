// Input: the bytes of a TorchScript archive, or those of one of its pickles. What is looked into takes no
// more than it is allowed, and says why it is refused.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "embed/pickle_walk.hpp"
#include "embed/script_archive.hpp"

using namespace catwalk::embed;

namespace {

void look_at_archive(std::string_view bytes) {
  static const int file = ::memfd_create("fuzz", 0);
  static const auto path = "/proc/self/fd/" + std::to_string(file);
  if (::ftruncate(file, 0) != 0 ||
      ::pwrite(file, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    std::abort();
  const auto ok = check_script_archive(path);
  if (!ok && ok.error().why.empty()) std::abort();
}

void look_at_pickle(std::string_view bytes) {
  constexpr std::uint64_t memory = 1'000'000, records = 1000;
  unpickling_allowance left{memory, records};
  std::uint64_t read = 0;
  const auto size_of = [&](std::string_view key) {
    read += key.size();
    return std::optional<std::uint64_t>(key.size());
  };
  walk_pickle(bytes, size_of, left);
  if (left.memory > memory || left.records > records || records - left.records > read) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (bytes.starts_with("PK"))
    look_at_archive(bytes);
  else
    look_at_pickle(bytes);
  return 0;
}
