#include "embed/thread_plan.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "embed/durable_file.hpp"

namespace catwalk::embed {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr double beyond_noise = 1.05;
constexpr double as_good = 0.97;

json read_plans(const fs::path& file) {
  std::ifstream in(file);
  json all = json::parse(in, nullptr, false);
  return all.is_object() ? all : json::object();
}

}  // namespace

thread_plan usual_plan(int threads, int batch, bool cuda) {
  if (cuda) return {2, 1, batch};
  constexpr int most_workers = 4;
  const int workers = std::min(threads, most_workers);
  return {workers, threads / workers, batch};
}

std::vector<thread_plan> plans_to_measure(int threads, int batch) {
  std::vector<thread_plan> plans{usual_plan(threads, batch, false)};
  for (int workers = threads; workers >= 1; workers /= 2) {
    const thread_plan plan{workers, threads / workers, batch};
    if (std::find(plans.begin(), plans.end(), plan) == plans.end()) plans.push_back(plan);
  }
  return plans;
}

thread_plan choose_plan(const std::vector<measured_plan>& measured) {
  const auto rate = [](const measured_plan& m) { return m.images_per_second; };
  const auto fastest = std::ranges::max_element(measured, {}, rate);
  const auto& usual = measured.front();
  return fastest->images_per_second > usual.images_per_second * beyond_noise ? fastest->plan : usual.plan;
}

int choose_batch(const std::vector<measured_plan>& measured) {
  const auto rate = [](const measured_plan& m) { return m.images_per_second; };
  const double enough = std::ranges::max(measured, {}, rate).images_per_second * as_good;
  int batch = 0;
  for (const auto& m : measured)
    if (m.images_per_second >= enough && (batch == 0 || m.plan.batch < batch)) batch = m.plan.batch;
  return batch;
}

std::optional<thread_plan> kept_plans::find(const std::string& key) const {
  if (file_.empty()) return std::nullopt;
  const auto all = read_plans(file_);
  const auto found = all.find(key);
  if (found == all.end()) return std::nullopt;
  try {
    const thread_plan plan{found->at("workers").get<int>(), found->at("intra_op").get<int>(),
                           found->at("batch").get<int>()};
    constexpr int most = 4096;
    const auto fits = [](int value) { return value >= 1 && value <= most; };
    if (fits(plan.workers) && fits(plan.intra_op) && fits(plan.batch)) return plan;
  } catch (const json::exception&) {
    // Somebody else's words: it is measured again.
  }
  return std::nullopt;
}

result<void> kept_plans::keep(const std::string& key, const thread_plan& plan) const {
  if (file_.empty()) return {};
  auto all = read_plans(file_);
  all[key] = {{"workers", plan.workers}, {"intra_op", plan.intra_op}, {"batch", plan.batch}};
  return replace_durably(file_, all.dump(2) + "\n");
}

std::string describe_machine(int threads) {
  std::string cpu = "unknown processor";
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("model name") && line.find(": ") != std::string::npos) {
      cpu = line.substr(line.find(": ") + 2);
      break;
    }
  std::string text = cpu + ", " + std::to_string(threads) + " threads";
  for (const char* cap : {"ONEDNN_MAX_CPU_ISA", "MKL_ENABLE_INSTRUCTIONS", "ATEN_CPU_CAPABILITY"})
    if (const char* value = std::getenv(cap)) text += std::string(", ") + cap + "=" + value;
  return text;
}

}  // namespace catwalk::embed
