#pragma once
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/embedding.hpp"
#include "core/error.hpp"
#include "core/product.hpp"

namespace catwalk::storage {

/// How products become rows of one table. The layouts: `2025-10` and `2026-02` are the predecessor's tables,
/// `catwalk` is 2026-02's columns and country, currency, availability, color_names, embedding_model.
class layout {
 public:
  struct settings {
    std::string name = "catwalk";  ///< catwalk | 2026-02 | 2025-10
    /// Field to column, nullopt leaves the field out. The image's vector is the field `image_embedding`
    /// everywhere.
    std::map<std::string, std::optional<std::string>> columns;
    std::string on_conflict = "auto";  ///< auto, or columns separated by commas
  };
  /// What a column of a row holds: a text of the product's own, which must outlive it, or another value.
  using cell = std::variant<std::string_view, nlohmann::json>;
  /// `present`: the table's columns; nullopt when they are not known: then every column of the layout is
  /// written. A column that the layout has and the table lacks is left out, unless the user named it or it is
  /// part of the key. Errors: `invalid_config` (an unknown layout or field), `sink_schema` (a column that is
  /// needed is missing).
  static result<layout> make(const settings& wanted, const std::optional<std::set<std::string>>& present);

  const std::string& name() const noexcept { return name_; }
  /// Every column of a row, the vectors' last: the picture's, then the text's. `with_vector` false leaves out
  /// what tells of the picture's vector, `with_text` false the text's.
  std::vector<std::string> columns(bool with_vector, bool with_text = false) const;
  /// The columns that identify a row.
  const std::vector<std::string>& conflict() const noexcept { return conflict_; }
  const std::optional<std::string>& vector_column() const noexcept { return vector_column_; }
  /// The column of the text's vector, `info_embedding`; nullopt where the table has none or it is not known.
  const std::optional<std::string>& text_column() const noexcept { return text_column_; }
  /// The column that a field goes into; nullopt where it is not written.
  std::optional<std::string> column_of(std::string_view field) const;
  /// The values of conflict() for a product; nullopt where one of them is null, so that the row has no key.
  std::optional<std::vector<std::string>> key_of(const product& p) const;
  /// Columns of the layout that the table lacks and that are therefore not written.
  const std::vector<std::string>& left_out() const noexcept { return left_out_; }

  /// The row as one JSON object in text: keys as columns(vector != nullptr, text != nullptr), absent values
  /// null, the vectors' numbers by append_vector().
  std::string row_text(const product& p, const embedding* vector, const embedding* text = nullptr) const;
  /// Appends row_text().
  void append_row(std::string& out, const product& p, const embedding* vector, const embedding* text) const;
  /// The values of columns(vector != nullptr) without the vector's numbers, in that order.
  std::vector<cell> values(const product& p, const embedding* vector) const;
  /// The columns without the vector's numbers, as a document.
  nlohmann::json fields(const product& p, const embedding* vector) const { return fields_of(p, vector); }
  /// Whether a row of the table, as read, holds what fields() would write.
  bool same_fields(const nlohmann::json& row, const product& p) const {
    return different_columns(row, p).empty();
  }
  /// The columns in which it does not.
  std::vector<std::string> different_columns(const nlohmann::json& row, const product& p) const;
  /// The same as a document.
  nlohmann::json row(const product& p, const embedding* vector) const;

 private:
  struct column {
    std::string field, name;
    std::string key;  ///< the name as a key of a JSON object, between a comma and the colon
    cell (*value)(const product& p, const embedding* vector);
    bool beside_vector;  ///< written only where the vector is
    bool is_written(bool with_vector) const { return with_vector || !beside_vector; }
  };
  nlohmann::json fields_of(const product& p, const embedding* vector) const;

  std::string name_;
  std::vector<column> columns_;       ///< without the vector
  std::vector<std::size_t> by_name_;  ///< of columns_, in the order in which row_text() has them
  std::vector<std::string> conflict_;
  std::optional<std::string> vector_column_, text_column_;
  std::vector<std::string> left_out_;
};

/// The layout of a table with these columns; nullopt when it is none that catwalk knows.
std::optional<std::string> detect_layout(const std::set<std::string>& columns);

/// Every column name that some layout writes: what to probe for where a table does not list its columns.
std::set<std::string> known_columns();

/// JSON as Python's `json.dumps` writes it (a blank after commas and colons, ASCII alone): the form of the
/// texts that the predecessor stored.
std::string python_json(const nlohmann::json& value);

}  // namespace catwalk::storage
