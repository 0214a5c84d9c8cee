#pragma once
#include <optional>
#include <string>
#include <vector>

#include "storage/sink.hpp"

namespace catwalk::storage {

/// A reply that parks the rows whose vectors are not as wide as the table's column takes; nullopt where they
/// fit or the width is not known. Known before anything is sent: no row is at fault, so none may become a
/// dead letter.
inline std::optional<sink_reply> parked_for_width(const std::vector<sink_row>& rows, std::optional<int> width,
                                                  const std::string& table) {
  const auto& vector = rows.front().vector;
  if (!vector || !width || vector->values.size() == static_cast<std::size_t>(*width)) return std::nullopt;
  sink_reply reply;
  reply.what = sink_reply::kind::park;
  reply.why = {errc::model_mismatch, "the vectors do not fit the sink's table", table,
               "they have " + std::to_string(vector->values.size()) + " numbers, the column takes " +
                   std::to_string(*width),
               "choose a model of that width with embed.model, or change the column"};
  return reply;
}

}  // namespace catwalk::storage
