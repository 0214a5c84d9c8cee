#pragma once
#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

#include "core/error.hpp"

namespace catwalk::embed {

/// Writes the parts one after the other into a new file (an existing one is cut) and syncs it to disk.
/// Errors: `disk_full`, `io`.
result<void> write_durably(const std::filesystem::path& file,
                           std::span<const std::span<const std::byte>> parts);
result<void> write_durably(const std::filesystem::path& file, std::string_view text);

/// Writes `text` beside `file` and puts it in its place, so that there is always the old one or the new one,
/// complete. Errors: as of write_durably().
result<void> replace_durably(const std::filesystem::path& file, std::string_view text);

/// Puts the folder `from` in the place of `to` (which may exist) and syncs the parent, so that after a crash
/// there is the old folder or the new one, complete. Both lie in one parent. Errors: `io`.
result<void> replace_folder(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace catwalk::embed
