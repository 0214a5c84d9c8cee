#pragma once
#include <optional>
#include <string>

#include "storage/catalogue.hpp"
#include "storage/sqlite.hpp"

namespace catwalk::storage {

/// The row of a page in `pages`; nullopt where it has not been read.
std::optional<page_record> find_page(sqlite::connection& db, const site_name& site,
                                     const std::string& endpoint, const std::string& url);

/// Puts a page there as it was read in `run`, at `now`, in the place of what was there.
void put_page(sqlite::connection& db, const page_record& page, run_id run, wall_time now);

}  // namespace catwalk::storage
