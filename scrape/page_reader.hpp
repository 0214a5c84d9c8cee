#pragma once
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "core/error.hpp"
#include "core/product.hpp"
#include "scrape/source.hpp"

namespace catwalk::scrape {

/// What a page is asked for with.
struct page_address {
  std::string url;
  std::string body;  ///< sent as POST; empty: a GET

  /// What tells this page from the others of its listing: the address, with a mark of what is posted.
  std::string key() const;
};

/// Which page of which listing is read.
struct page_place {
  std::string endpoint;  ///< the listing, as in sites.yaml
  int endpoint_index = 0;
  page_address address;
  int number = 1;                ///< of the page within its listing, from 1
  std::size_t items_before = 0;  ///< on the pages before it
  std::string content_type{};    ///< of the answer, as the header says it
};

/// What one page of a listing holds.
struct page_answer {
  std::vector<product> products;  ///< one per id: of repeats the last one, at the place of the first
  std::vector<skipped_item> skipped;
  std::vector<std::string> item_ids;  ///< of all items that have one, skipped ones included
  std::size_t items = 0;
  std::optional<page_address> next;     ///< where the listing goes on; nullopt: this is its last page
  std::vector<page_address> details{};  ///< pages of single products, to be read after this page
  std::string body_hash;                ///< SHA-256 of the body, hex
  std::vector<std::string> warnings;    ///< expressions that failed on some item, each once

  /// Adds what became of an item. A repeat of a product takes its place.
  void add(std::variant<product, skipped_item> outcome);

 private:
  std::unordered_map<product_id, std::size_t> places_;
};

/// Turns the pages of one site's listings into products. Immutable, so that any thread may read with it.
class page_reader {
 public:
  virtual ~page_reader() = default;
  /// `malformed` for a body that is not what the reader expects, `too_large` past its limits.
  virtual result<page_answer> read(std::string_view body, const page_place& place) const = 0;
  /// Reads the page of a single product, which an answer named in `details`.
  virtual result<page_answer> read_detail(std::string_view body, const page_place& place) const {
    return read(body, place);
  }
};

}  // namespace catwalk::scrape
