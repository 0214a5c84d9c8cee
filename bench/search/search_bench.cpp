// The catalogue's vector search over made-up vectors that crowd around centres, as pictures of garments do.
//   search_bench fill STATE_DIR ROWS            makes a state, and vectors.f32 [ROWS, 512] beside it
//   search_bench ask STATE_DIR K QUERIES MEMORY searches: the first (cold) reads the index, the others are
//   warm
// `ask` prints, as JSON, what each query found and how long it took.
#include <sys/resource.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <cmath>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>

#include "core/log.hpp"
#include "storage/catalogue.hpp"
#include "storage/product_filter.hpp"

using namespace catwalk;
namespace asio = boost::asio;

namespace {

constexpr std::size_t width = 512;
constexpr std::int64_t rows_at_once = 2000;

template <class T>
T wait_for(asio::awaitable<result<T>> task) {
  asio::io_context loop;
  auto done = asio::co_spawn(loop, std::move(task), asio::use_future);
  loop.run();
  auto outcome = done.get();
  if (!outcome) throw exception(outcome.error());
  if constexpr (!std::is_void_v<T>) return std::move(*outcome);
}

/// Each row from the seed and its number alone; of length 1, as every vector of a picture is.
std::vector<float> made_vector(std::int64_t row, const std::vector<std::vector<float>>& centres) {
  std::minstd_rand random(static_cast<unsigned>(row * 2 + 1));
  std::normal_distribution<float> normal;
  auto v = centres[static_cast<std::size_t>(row) % centres.size()];
  for (auto& x : v) x += 0.7F * normal(random);
  const float length = std::sqrt(std::inner_product(v.begin(), v.end(), v.begin(), 0.0F));
  for (auto& x : v) x /= length;
  return v;
}

std::vector<std::vector<float>> made_centres() {
  std::minstd_rand random(7);
  std::normal_distribution<float> normal;
  std::vector<std::vector<float>> centres(200, std::vector<float>(width));
  for (auto& centre : centres)
    for (auto& x : centre) x = normal(random);
  return centres;
}

product made_product(std::int64_t row) {
  product p;
  p.id = product_id("product-" + std::to_string(row));
  p.site = site_name("shop-" + std::to_string(row / rows_at_once % 5));  // a page is of one site
  p.source = "bench";
  p.title = "Product " + std::to_string(row);
  p.image_url = "https://shop.test/" + std::to_string(row) + ".jpg";
  p.product_url = "https://shop.test/p/" + std::to_string(row);
  p.country = "us";
  p.category = "category-" + std::to_string(row % 20);
  p.gender = row % 2 == 0 ? "women" : "men";
  p.price_amount = std::to_string(row % 300);
  p.currency = "USD";
  return p;
}

std::shared_ptr<storage::state_database> open_state(const std::string& dir) {
  storage::state_options options;
  options.dir = dir;
  options.min_free = 1;
  auto db = storage::state_database::open(options);
  if (!db) throw exception(db.error());
  return std::move(*db);
}

int fill(const std::string& dir, std::int64_t rows) {
  const auto db = open_state(dir);
  storage::catalogue catalogue(db);
  const auto run = wait_for(catalogue.begin_run("bench", std::nullopt));
  const auto centres = made_centres();
  std::ofstream file(dir + "/vectors.f32", std::ios::binary);
  for (std::int64_t from = 0; from < rows; from += rows_at_once) {
    storage::page_commit page;
    page.run = run;
    page.page.endpoint = page.page.url = "page " + std::to_string(from);
    page.page.site = made_product(from).site;
    page.to_sink = false;
    std::vector<storage::vector_commit> vectors;
    for (auto row = from; row < std::min(rows, from + rows_at_once); ++row) {
      page.products.push_back(made_product(row));
      embedding made;
      made.values = made_vector(row, centres);
      made.fingerprint = "adopted";  // current for whatever model reads the state
      made.model = "made up";
      file.write(reinterpret_cast<const char*>(made.values.data()), width * sizeof(float));
      vectors.push_back({page.products.back().image_url, "", "", "", std::move(made)});
    }
    wait_for(catalogue.commit_page(std::move(page)));
    wait_for(catalogue.commit_vectors(std::move(vectors), false));
  }
  db->close();
  return file.good() ? 0 : 1;
}

double rss_mb() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:")) return std::stod(line.substr(6)) / 1024;
  return 0;
}

int ask(const std::string& dir, int k, int queries, std::uint64_t memory) {
  const auto db = open_state(dir);
  storage::catalogue catalogue(db, memory);
  const auto centres = made_centres();
  nlohmann::json out{{"queries", nlohmann::json::array()}, {"rss_before_mb", rss_mb()}};
  const auto search = [&](int number, const storage::product_filter& filter, const char* kind) {
    auto query = made_vector(1'000'000'000 + number, centres);
    const auto began = std::chrono::steady_clock::now();
    const auto found = wait_for(catalogue.nearest_of(query, k, "adopted", filter));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    nlohmann::json ids = nlohmann::json::array(), scores = nlohmann::json::array();
    for (const auto& one : found) {
      ids.push_back(std::stoll(one.item.id.str().substr(8)));
      scores.push_back(one.score);
    }
    out["queries"].push_back(
        {{"kind", kind}, {"seconds", took.count()}, {"query", query}, {"ids", ids}, {"scores", scores}});
  };
  storage::product_filter site, narrow;
  site.site = "shop-3";
  narrow.category = "category-4";
  narrow.gender = "women";
  narrow.max_price = 100;
  for (int number = 0; number < queries; ++number) search(number, {}, number == 0 ? "cold" : "warm");
  for (int number = 0; number < queries; ++number) search(number, site, "site");
  for (int number = 0; number < queries; ++number) search(number, narrow, "category, gender and price");
  out["rss_mb"] = rss_mb();
  std::cout << out.dump() << '\n';
  db->close();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  start_logging(std::getenv("SEARCH_BENCH_LOG") != nullptr ? "debug" : "warn", "text");
  const std::vector<std::string> words(argv + 1, argv + argc);
  try {
    if (words.size() == 3 && words[0] == "fill") return fill(words[1], std::stoll(words[2]));
    if (words.size() == 5 && words[0] == "ask")
      return ask(words[1], std::stoi(words[2]), std::stoi(words[3]), std::stoull(words[4]));
  } catch (const std::exception& failed) {
    std::cerr << "search_bench: " << failed.what() << '\n';
    return 1;
  }
  std::cerr << "usage: search_bench fill STATE_DIR ROWS | ask STATE_DIR K QUERIES MEMORY\n";
  return 2;
}
