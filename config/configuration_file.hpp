#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "config/problem.hpp"
#include "config/system_folder.hpp"

namespace catwalk::config {

/// The configuration file: `asked_for` where given, else the first that exists of catwalk.yaml in
/// `working_dir`, catwalk.yaml in `system_dir`, sites.yaml in `working_dir`. nullopt: none.
std::optional<std::filesystem::path> find_configuration_file(
    const std::optional<std::filesystem::path>& asked_for, const std::filesystem::path& working_dir,
    const std::filesystem::path& system_dir = system_folder);

/// The whole of a file; nullopt with a problem (missing, a folder, not readable) otherwise.
std::optional<std::string> read_whole_file(const std::filesystem::path& path, const std::string& shown,
                                           problems& found);

/// How a path is shown in problems: relative where it lies below `working_dir`.
std::string shown_path(const std::filesystem::path& path, const std::filesystem::path& working_dir);

}  // namespace catwalk::config
