#pragma once
#include <vector>

#include "config/site.hpp"

namespace catwalk::scrape {

/// Sites whose products would have the same ids: one shop's host under one `source`, once for each of two
/// countries. The price of one would overwrite that of the other in every run, unless both have the same
/// `countries`, which puts their prices into one row. An error for the second of them, at its place; and for
/// `countries` without the site's own.
config::problems check_same_ids(const std::vector<config::site>& sites);

}  // namespace catwalk::scrape
