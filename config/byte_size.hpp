#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace catwalk::config {

/// Reads `20MB` (10^6), `20MiB` (2^20) and likewise B, kB, GB, TB, KiB, GiB, TiB (KB is kB); a bare number is
/// bytes. Whole numbers only. nullopt for anything else, and where 64 bits do not suffice.
std::optional<std::uint64_t> parse_byte_size(std::string_view text) noexcept;

/// The shortest text that `parse_byte_size` reads as `value`, in powers of ten.
std::string format_byte_size(std::uint64_t value);

}  // namespace catwalk::config
