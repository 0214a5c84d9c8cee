#include "daemon/failure_json.hpp"

#include "daemon/time_text.hpp"

namespace catwalk::daemon {

nlohmann::json failure_json(const storage::failed_row& row) {
  nlohmann::json j{{"id", row.id},
                   {"product", row.key.str()},
                   {"site", row.site},
                   {"title", row.title},
                   {"op", row.op},
                   {"reason", row.reason},
                   {"code", row.sink_code},
                   {"sink_words", row.sink_words},
                   {"died", time_text(row.died)},
                   {"attempts", nlohmann::json::array()}};
  const auto attempts = nlohmann::json::parse(row.attempts_json, nullptr, false);
  for (const auto& a : attempts.is_array() ? attempts : nlohmann::json::array())
    j["attempts"].push_back({{"at", time_text(from_millis(a.value("at", std::int64_t{0})))},
                             {"error", a.value("error", std::string())}});
  return j;
}

}  // namespace catwalk::daemon
