#include "scrape/page_reader.hpp"

#include "core/sha256.hpp"

namespace catwalk::scrape {

std::string page_address::key() const {
  return body.empty() ? url : url + "#post=" + sha256_hex(body).substr(0, 16);
}

void page_answer::add(std::variant<product, skipped_item> outcome) {
  if (auto* item = std::get_if<skipped_item>(&outcome)) {
    skipped.push_back(std::move(*item));
    return;
  }
  product& one = std::get<product>(outcome);
  const auto [known, fresh] = places_.try_emplace(one.id, products.size());
  if (fresh) {
    products.push_back(std::move(one));
  } else {
    products[known->second] = std::move(one);
  }
}

}  // namespace catwalk::scrape
