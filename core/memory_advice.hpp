#pragma once
#include <string_view>

namespace catwalk {

/// What takes less memory, as a hint.
inline constexpr std::string_view memory_advice =
    "lower embed.batch, embed.threads or embed.decode_memory, or give the machine more memory";

}  // namespace catwalk
