#include "core/journal.hpp"

#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/log_scope.hpp"

namespace catwalk {
namespace {

/// syslog(3)'s number for spdlog's level.
int priority_of(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::critical:
      return 2;
    case spdlog::level::err:
      return 3;
    case spdlog::level::warn:
      return 4;
    case spdlog::level::info:
      return 6;
    default:
      return 7;
  }
}

}  // namespace

bool stderr_is_journal() noexcept {
  const char* named = std::getenv("JOURNAL_STREAM");
  if (named == nullptr) return false;
  unsigned long long device = 0, inode = 0;
  struct stat open {};
  return std::sscanf(named, "%llu:%llu", &device, &inode) == 2 && fstat(STDERR_FILENO, &open) == 0 &&
         open.st_dev == device && open.st_ino == inode;
}

void journal_sink::sink_it_(const spdlog::details::log_msg& msg) {
  spdlog::memory_buf_t formatted;
  formatter_->format(msg, formatted);
  std::string text(formatted.data(), formatted.size());
  while (!text.empty() && text.back() == '\n') text.pop_back();

  std::vector<std::string> fields{"MESSAGE=" + text, "PRIORITY=" + std::to_string(priority_of(msg.level)),
                                  "SYSLOG_IDENTIFIER=catwalk"};
  if (const auto scope = current_log_scope()) {
    if (scope->run != 0) fields.push_back("CATWALK_RUN_ID=" + std::to_string(scope->run));
    if (!scope->site.empty()) fields.push_back("CATWALK_SITE=" + scope->site);
  }
  std::vector<iovec> parts;
  parts.reserve(fields.size());
  for (auto& field : fields) parts.push_back({field.data(), field.size()});
  if (sd_journal_sendv(parts.data(), static_cast<int>(parts.size())) < 0)
    std::fprintf(stderr, "%s\n", text.c_str());
}

}  // namespace catwalk
