#pragma once
#include <string>

#include "core/error.hpp"

namespace catwalk {

/// Sends spdlog's default logger to stderr, in text for people or in JSON lines for machines
/// (`{"time":…,"level":…,"message":…}`). `level` is one of spdlog's names, `format` `text` or `json`; both
/// were checked by config/. Call once from main, again after a reload.
void start_logging(const std::string& level, const std::string& format);

/// While a progress line stands on the terminal, every log line first clears it.
void clear_line_before_logs(bool on) noexcept;

/// From now on `value` is replaced by `***` in every log line, whatever library wrote it. Short values (under
/// 6 characters) are not replaced: they would blank ordinary words.
void conceal_in_logs(const std::string& value);

/// `text` with every concealed value replaced.
std::string concealed(std::string text);

}  // namespace catwalk
