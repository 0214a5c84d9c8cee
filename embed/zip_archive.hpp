#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace catwalk::embed {

/// A file in a zip archive, as the archive's directory has it.
struct zip_entry {
  std::string name;
  std::string_view bytes;  ///< as they are stored, within the archive
  std::uint64_t size = 0;  ///< what they claim to unpack to, in bytes; of a stored entry, what they are
  bool deflated = false;   ///< else stored as it is
};

/// The directory of a zip archive that lies in memory, of either width (APPNOTE.TXT 6.3.10, 4.3 and 4.5.3).
/// It is looked for and read as miniz does, torch's reader, so that both see the same entries; of what the
/// two could understand differently, it refuses more. Nothing is unpacked.
class zip_archive {
 public:
  /// `bytes` outlives the archive; `on` is the file, for errors. Errors: `model_invalid`, where it breaks off
  /// or its directory is damaged or larger than 4 MB; where an entry lies outside of it, is encrypted, is
  /// neither stored nor deflated, or has a name that stands twice or has a zero byte.
  static result<zip_archive> read(std::string_view bytes, const std::string& on);

  /// In the order of the directory.
  const std::vector<zip_entry>& entries() const noexcept { return entries_; }
  /// nullptr: there is none of that name. As for torch's reader, the case of ASCII letters does not matter.
  const zip_entry* find(std::string_view name) const;

 private:
  std::vector<zip_entry> entries_;
  std::map<std::string, std::size_t, std::less<>> places_;  ///< in entries_, by the name in lower case
};

/// What the entry unpacks to; takes `entry.size` bytes. nullopt: its bytes are damaged, or unpack to another
/// size than the directory says.
std::optional<std::string> unpacked(const zip_entry& entry);

}  // namespace catwalk::embed
