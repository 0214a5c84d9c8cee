#pragma once
#include <exception>
#include <string>
#include <type_traits>
#include <utility>

#include "core/thrown.hpp"

namespace catwalk::scrape {

/// `work` on a shop's document `on`, whose exceptions become an error result: what a page makes go wrong
/// costs that page, never the daemon.
template <class Work>
auto contained(std::string on, Work work) {
  return [on = std::move(on), work = std::move(work)]() mutable -> std::invoke_result_t<Work> {
    try {
      return work();
    } catch (const std::exception& e) {
      return with_cause({errc::internal, "cannot read the document", on, "",
                         "this is a bug in catwalk: report the address"},
                        e);
    }
  };
}

}  // namespace catwalk::scrape
