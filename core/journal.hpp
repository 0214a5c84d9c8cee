#pragma once
#include <spdlog/sinks/base_sink.h>

#include <mutex>

namespace catwalk {

/// Whether stderr is connected to systemd's journal: `$JOURNAL_STREAM` names its device and inode. A process
/// that inherited the variable and writes elsewhere is told apart.
bool stderr_is_journal() noexcept;

/// Sends each line to the journal in its native protocol (systemd.journal-fields(7)): MESSAGE as the
/// formatter made it, PRIORITY by its level, SYSLOG_IDENTIFIER, and of the log_scope in effect CATWALK_RUN_ID
/// and CATWALK_SITE. What the journal does not take goes to stderr.
class journal_sink final : public spdlog::sinks::base_sink<std::mutex> {
 protected:
  void sink_it_(const spdlog::details::log_msg& msg) override;
  void flush_() override {}
};

}  // namespace catwalk
