#pragma once
#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <string_view>

namespace catwalk::config {

/// How the name of a file of rows ends, which says how they are written: JSON lines, RFC 4180, NumPy.
inline constexpr std::array<std::string_view, 3> row_file_endings{".jsonl", ".csv", ".npy"};

/// Whether a sink of kind file can write a file of that name.
inline bool is_row_file(const std::filesystem::path& file) {
  const auto ending = file.extension().string();
  return std::find(row_file_endings.begin(), row_file_endings.end(), ending) != row_file_endings.end();
}

/// "the ending .txt is none that catwalk writes", in messages.
inline std::string words_of_ending(const std::filesystem::path& file) {
  const auto ending = file.extension().string();
  return ending.empty() ? "the name has no ending, which would say how rows are written"
                        : "the ending " + ending + " is none that catwalk writes";
}

}  // namespace catwalk::config
