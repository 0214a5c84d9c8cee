#include "core/heap.hpp"

#ifdef CATWALK_JEMALLOC
#include <jemalloc/jemalloc.h>
#include <spdlog/spdlog.h>

#include <system_error>

#define CATWALK_TEXT_OF(number) #number
#define CATWALK_TEXT(macro) CATWALK_TEXT_OF(macro)

/// Read by jemalloc when it starts. Its own thread gives memory back that nobody has used for ten seconds,
/// also while the program rests; large blocks, the activations of a batch, are kept as long: without that a
/// batch of 32 takes up to a quarter longer.
const char* malloc_conf = "background_thread:true,oversize_threshold:0";

namespace catwalk {

void give_back_freed_memory() {
  constexpr const char* purge = "arena." CATWALK_TEXT(MALLCTL_ARENAS_ALL) ".purge";
  if (const int failed = mallctl(purge, nullptr, nullptr, nullptr, 0))
    spdlog::warn("jemalloc keeps what is free: {}", std::generic_category().message(failed));
}

}  // namespace catwalk

#else
#include <malloc.h>

namespace catwalk {

void give_back_freed_memory() {
  malloc_trim(0);
}

}  // namespace catwalk
#endif
