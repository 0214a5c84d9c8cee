#pragma once
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "config/site.hpp"
#include "core/error.hpp"
#include "scrape/field_map.hpp"
#include "scrape/page_reader.hpp"

namespace catwalk::scrape {

/// How the listings of an `api` site go on from page to page (`api.paging`), and what is posted for each
/// (`api.body`). Without settings it goes by what Zara's answers say of themselves (`paginationInfo`).
///
/// In a body that is JSON the texts "{page}", "{offset}" and "{cursor}" stand for the numbers and the cursor
/// (null on the first page); in any other body they are replaced where they stand, percent-encoded.
class paging {
 public:
  /// `invalid_config` where an expression does not parse.
  static result<paging> compile(const config::api_source& api);

  /// What is asked first at `url`.
  page_address first(std::string url) const;

  /// What comes after a page that held `items` items; nullopt: nothing. An expression that fails on this
  /// answer ends the listing with its error.
  result<std::optional<page_address>> next(const nlohmann::json& document, const page_place& place,
                                           std::size_t items) const;

  /// Notes what is looked at in an answer that stands at `document`.
  void reach(json_reach& document) const;

 private:
  struct position {
    int page = 1;
    std::size_t offset = 0;
    std::optional<std::string> cursor;
  };
  std::string body_at(const position& where) const;

  config::paging settings_;
  std::string body_text_;
  std::optional<nlohmann::json> body_;  ///< where it is JSON
  std::optional<located_expression> cursor_, next_, more_;
};

}  // namespace catwalk::scrape
