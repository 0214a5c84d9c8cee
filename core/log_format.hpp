#pragma once
#include <spdlog/formatter.h>

#include <memory>
#include <string>

namespace catwalk {

/// How log lines look, on the terminal or in a file: `text` for people (time, level, the run in brackets, the
/// words) or `json` (`{"time":…,"level":…,"run":…,"site":…,"message":…}`, without what there is none of).
std::unique_ptr<spdlog::formatter> make_line_formatter(const std::string& format);

/// The same for systemd's journal, which keeps time and level by itself: a text line is the run and the
/// words.
std::unique_ptr<spdlog::formatter> make_journal_formatter(const std::string& format);

}  // namespace catwalk
