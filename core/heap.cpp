#include "core/heap.hpp"

#include <malloc.h>

namespace catwalk {
namespace {

constexpr int kept_bytes = 16 << 20;
/// Blocks from here on are mapped one by one and go back at once. Setting the other ends glibc's own search
/// for this one.
constexpr int mapped_bytes = 8 << 20;

}  // namespace

void keep_freed_memory() {
  mallopt(M_TRIM_THRESHOLD, kept_bytes);
  mallopt(M_MMAP_THRESHOLD, mapped_bytes);
}

void give_back_freed_memory() {
  malloc_trim(0);
}

}  // namespace catwalk
