#pragma once
#include <unistd.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage/catalogue.hpp"
#include "storage/state_database.hpp"
#include "storage/state_operations.hpp"
#include "tests/support/catch.hpp"

namespace catwalk::storage::test {

/// A folder of its own, deleted at the end.
class temporary_folder {
 public:
  temporary_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "catwalk-storage-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw std::runtime_error("mkdtemp");
    path_ = name;
  }
  ~temporary_folder() { std::filesystem::remove_all(path_); }
  temporary_folder(const temporary_folder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Runs a coroutine to its end on a loop of its own.
template <class T>
T wait_for(boost::asio::awaitable<T> task) {
  boost::asio::io_context loop;
  auto done = boost::asio::co_spawn(loop, std::move(task), boost::asio::use_future);
  loop.run();
  return done.get();
}

/// The value, or a failed test that says why.
template <class T>
T value_of(result<T> r) {
  if (!r) FAIL(r.error().to_string());
  if constexpr (!std::is_void_v<T>) return std::move(*r);
}

inline std::shared_ptr<state_database> open_state(const std::filesystem::path& dir, bool read_only = false) {
  state_options options;
  options.dir = dir;
  options.min_free = 0;
  options.read_only = read_only;
  return value_of(state_database::open(options));
}

/// A state folder with its catalogue, and short ways to use it.
struct state_fixture {
  temporary_folder folder;
  std::shared_ptr<state_database> db = open_state(folder.path());
  catalogue products{db};

  static product make(const std::string& external_id, const std::string& price = "10USD") {
    product p;
    p.id = product_id("id-" + external_id);
    p.site = site_name("Shop");
    p.source = "shop";
    p.external_id = external_id;
    p.product_url = "https://shop.test/p/" + external_id;
    p.image_url = "https://shop.test/i/" + external_id + ".jpg";
    p.title = "Product " + external_id;
    p.country = "us";
    p.price = price;
    p.endpoint = "https://shop.test/list";
    return p;
  }

  static embedding vector(std::vector<float> values, const std::string& fingerprint = "tower") {
    embedding e;
    e.values = std::move(values);
    e.fingerprint = fingerprint;
    e.model = "test";
    e.made = {"fp32", "exact", "cpu", false};
    return e;
  }

  run_id begin() { return value_of(wait_for(products.begin_run("manual", std::nullopt))); }
  void end(run_id run, run_state state = run_state::done) {
    value_of(wait_for(products.end_run(run, state, "{}", "[]")));
  }

  page_counts commit(run_id run, std::vector<product> items, int endpoint_index = 0, bool to_sink = true,
                     const std::string& fingerprint = "tower") {
    page_commit page;
    page.run = run;
    page.page.site = site_name("Shop");
    page.page.endpoint = "https://shop.test/list" + std::to_string(endpoint_index);
    page.page.endpoint_index = endpoint_index;
    page.page.url = page.page.endpoint;
    page.page.body_hash = "b";
    page.page.stanza_hash = "s";
    for (auto& item : items) {
      item.endpoint_index = endpoint_index;
      page.page.listed.push_back(item.id);
    }
    page.products = std::move(items);
    page.to_sink = to_sink;
    page.fingerprint = fingerprint;
    return value_of(wait_for(products.commit_page(std::move(page))));
  }

  page_counts commit_unchanged(run_id run, int endpoint_index = 0) {
    page_commit page;
    page.run = run;
    page.page.site = site_name("Shop");
    page.page.endpoint = "https://shop.test/list" + std::to_string(endpoint_index);
    page.page.endpoint_index = endpoint_index;
    page.page.url = page.page.endpoint;
    page.unchanged = true;
    page.fingerprint = "tower";
    return value_of(wait_for(products.commit_page(std::move(page))));
  }

  void embed(const std::string& url, std::vector<float> values, bool to_sink = true,
             const std::string& fingerprint = "tower") {
    std::vector<vector_commit> batch{{url, "content", "", "", vector(std::move(values), fingerprint)}};
    value_of(wait_for(products.commit_vectors(std::move(batch), to_sink)));
  }

  void fail(const std::string& url, std::optional<wall_time> next = std::nullopt, bool to_sink = true) {
    image_failure failure{url, error{errc::http_status, "cannot fetch image", url, "404", ""}, next};
    value_of(wait_for(products.commit_image_failure(std::move(failure), to_sink)));
  }

  catalogue_entry entry(const std::string& external_id) {
    auto found = value_of(wait_for(products.find(product_id("id-" + external_id))));
    if (!found) FAIL("no product " + external_id);
    return *found;
  }

  std::vector<std::string> due(wall_time now = wall_now()) {
    std::vector<std::string> urls;
    for (const auto& image : value_of(wait_for(products.due_images(now, 100, {})))) urls.push_back(image.url);
    return urls;
  }

  /// The outbox as "key:op:parts:held", by key.
  std::vector<std::string> outbox() {
    auto work = [](sqlite::connection& c) -> result<std::vector<std::string>> {
      std::vector<std::string> rows;
      auto s = c.prepare("select key || ':' || op || ':' || parts || ':' || held from outbox order by key");
      while (s.step()) rows.push_back(s.text(0));
      return rows;
    };
    return value_of(wait_for(db->internals().read(work)));
  }

  void execute(const std::string& sql) {
    auto work = [sql](sqlite::connection& c) -> result<void> {
      c.execute(sql);
      return {};
    };
    value_of(wait_for(db->internals().write(work)));
  }
};

}  // namespace catwalk::storage::test
