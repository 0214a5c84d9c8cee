#pragma once
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/embedding.hpp"
#include "core/error.hpp"
#include "core/id.hpp"
#include "storage/state_database.hpp"

namespace catwalk::storage {

/// A product whose text may want a vector.
struct due_text {
  product_id id;
  std::string field_hash;  ///< the version of the product that the text is of
  std::string text;        ///< product::info_text(); may be empty: then there is no vector
  std::string hash;        ///< SHA-256 of the text
  bool ready = false;      ///< there is a vector of it already
};

/// The texts of the catalogue's products and their vectors, in the state database. A product's text is looked
/// at when its fields changed; it is embedded when it is another text, or the model another.
class product_texts {
 public:
  explicit product_texts(std::shared_ptr<state_database> db) : db_(std::move(db)) {}

  /// Products whose text is to be looked at, oldest first, `ready` for the tower `fingerprint`.
  boost::asio::awaitable<result<std::vector<due_text>>> due(std::string fingerprint, int limit);
  /// One transaction: the vectors by the texts' hashes, and the outbox rows of the products. A product that
  /// has changed meanwhile stays due; one without a vector waits until its text or the model changes.
  boost::asio::awaitable<result<void>> commit(std::vector<std::pair<std::string, embedding>> vectors,
                                              std::vector<due_text> products, std::string fingerprint,
                                              bool to_sink);
  /// Makes products due whose text's vector is of another tower than `fingerprint`, or, with `to_sink`, has
  /// not been given to the sink. Returns how many.
  boost::asio::awaitable<result<int>> expire(std::string fingerprint, bool to_sink);

 private:
  std::shared_ptr<state_database> db_;
};

}  // namespace catwalk::storage
