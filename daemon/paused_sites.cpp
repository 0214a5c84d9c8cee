#include "daemon/paused_sites.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "config/letter_case.hpp"
#include "core/json_text.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

namespace {
constexpr const char* note_name = "paused_sites";
}

asio::awaitable<result<void>> paused_sites::load() {
  const auto note = co_await catalogue_.note(note_name);
  if (!note) co_return note.error();
  since_.clear();
  const auto kept = nlohmann::json::parse(note->value_or("{}"), nullptr, false);
  for (const auto& [site, when] : kept.items())
    if (when.is_number_integer()) since_.emplace(site, from_millis(when.get<std::int64_t>()));
  co_return result<void>();
}

asio::awaitable<result<void>> paused_sites::pause(std::string site, wall_time now) {
  auto changed = since_;
  if (!changed.emplace(std::move(site), now).second) co_return result<void>();
  co_return co_await save(std::move(changed));
}

asio::awaitable<result<void>> paused_sites::resume(std::string site) {
  auto changed = since_;
  if (changed.erase(site) == 0) co_return result<void>();
  co_return co_await save(std::move(changed));
}

asio::awaitable<result<void>> paused_sites::save(std::map<std::string, wall_time> changed) {
  auto before = std::exchange(since_, std::move(changed));
  auto kept = nlohmann::json::object();
  for (const auto& [site, when] : since_) kept[site] = to_millis(when);
  auto saved = co_await catalogue_.set_note(note_name, json_text(kept));
  if (!saved) since_ = std::move(before);
  co_return saved;
}

std::optional<wall_time> paused_sites::since(const std::string& site) const {
  const auto found = since_.find(site);
  return found == since_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::vector<std::string>> paused_sites::left_of(const std::vector<std::string>& wanted,
                                                              const std::vector<config::site>& sites) const {
  const bool all = wanted.empty() || (wanted.size() == 1 && config::lower_case(wanted.front()) == "all");
  std::vector<std::string> left;
  bool some_paused = false;
  for (const auto& site : sites) {
    const auto is_it = [&](const std::string& name) {
      return config::lower_case(name) == config::lower_case(site.name);
    };
    if (!all && std::none_of(wanted.begin(), wanted.end(), is_it)) continue;
    if (since(site.name))
      some_paused = true;
    else
      left.push_back(site.name);
  }
  if (!some_paused) return wanted;
  if (left.empty()) return std::nullopt;
  return left;
}

}  // namespace catwalk::daemon
