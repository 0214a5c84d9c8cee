#pragma once
#include <string>

#include "core/error.hpp"

namespace catwalk {

/// Sends spdlog's default logger to stderr, in text for people or in JSON lines for machines
/// (`core/log_format.hpp`), or to systemd's journal where stderr is connected to it (`core/journal.hpp`).
/// Each line carries the run and the site of the log_scope in effect. The same line over and over is written
/// a few times a minute, then counted (`core/repeated_lines.hpp`). `level` is one of spdlog's names, `format`
/// `text` or `json`; both were checked by config/. Call once from main, again after a reload.
void start_logging(const std::string& level, const std::string& format);

/// Tells of repeated lines whose minute is over; each log line does that too. Call it every few seconds.
void tell_log_repeats();

/// Tells of all repeated lines: before the process ends.
void end_logging();

/// While a progress line stands on the terminal, every log line first clears it.
void clear_line_before_logs(bool on) noexcept;

/// From now on `value` is replaced by `***` in every log line, whatever library wrote it. Short values (under
/// 6 characters) are not replaced: they would blank ordinary words.
void conceal_in_logs(const std::string& value);

/// `text` with every concealed value replaced.
std::string concealed(std::string text);

}  // namespace catwalk
